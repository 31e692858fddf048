import { Random, scope, tensor } from "@unfold/core";
import { type CoreKernels, gemm, loadKernels, memory, rightOperand, view } from "@unfold/core/kernels";
import fc from "fast-check";
import assert from "node:assert/strict";
import * as texts from "./_kernels_wasm.ts";
import { bytesFromText, textFromBytes } from "./kernel_text.ts";
import { Block } from "./memory.ts";

const [relaxed, plain] = [bytesFromText(texts.relaxed), bytesFromText(texts.plain)];

/** Both builds are tested everywhere, so that the fallback cannot rot. */
const builds = (["relaxed", "plain"] as const).map((variant) => {
  return [variant, loadKernels<CoreKernels>({ relaxed, plain }, { variant })] as const;
});

/** The largest error of a kernel over a range of f32 values, in units of the last place of the exact result. */
function worstUlp(
  kernel: (x: number, y: number, n: number) => void,
  exact: (x: number) => number,
  xs: Float32Array,
): number {
  const block = new Block(8 * xs.length, "a test");
  view(block.offset, xs.length).set(xs);
  kernel(block.offset, block.offset + 4 * xs.length, xs.length);
  const ys = view(block.offset + 4 * xs.length, xs.length);
  let worst = 0;
  xs.forEach((x, i) => {
    const expected = exact(x);
    const ulp = 2 ** Math.max(-126, Math.floor(Math.log2(Math.abs(expected)))) * 2 ** -23;
    if (expected !== 0) worst = Math.max(worst, Math.abs(ys[i]! - expected) / ulp);
    else assert.equal(ys[i], 0);
  });
  block.release();
  return worst;
}

function spread(low: number, high: number, n: number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => low + (high - low) * i / (n - 1));
}

for (const [variant, kernels] of builds) {
  Deno.test(`${variant}: transcendental functions are as precise as documented`, () => {
    const ranges = (low: number, high: number) =>
      Float32Array.of(...spread(low, high, 40_001), ...spread(low / 50, high / 50, 20_001));
    const cases: [
      name: "exp" | "log" | "tanh" | "sigmoid" | "softplus",
      f: (x: number) => number,
      xs: Float32Array,
      bound: number,
    ][] = [
      ["exp", Math.exp, ranges(-87, 88), 1],
      [
        "log",
        Math.log,
        Float32Array.of(...spread(1e-3, 10, 50_001), ...spread(1, 1e30, 1001), 1e-40, 1e-45, 3e38),
        1.5,
      ],
      ["tanh", Math.tanh, Float32Array.of(...ranges(-20, 20), 1e-30, -1e-30, 0), 1.4],
      ["sigmoid", (x) => 1 / (1 + Math.exp(-x)), ranges(-87.3, 40), 2.5],
      ["softplus", (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), ranges(-80, 80), 1.8],
    ];
    for (const [name, f, xs, bound] of cases) {
      const worst = worstUlp(kernels[name], f, xs);
      assert.ok(worst <= bound, `${name}: ${worst} units in the last place`);
    }
  });

  Deno.test(`${variant}: transcendental functions have the right limits and propagate NaN`, () => {
    const block = new Block(64, "a test");
    const apply = (kernel: (x: number, y: number, n: number) => void, ...xs: number[]) => {
      view(block.offset, xs.length).set(xs);
      kernel(block.offset, block.offset, xs.length);
      return [...view(block.offset, xs.length)];
    };
    const ends = [Infinity, -Infinity, NaN];
    assert.deepEqual(apply(kernels.exp, ...ends, 1000, -1000, 0), [Infinity, 0, NaN, Infinity, 0, 1]);
    assert.ok(apply(kernels.exp, -100)[0]! > 0, "exp must give denormals");
    assert.deepEqual(apply(kernels.log, ...ends, 0, -1, 1), [Infinity, NaN, NaN, -Infinity, NaN, 0]);
    assert.deepEqual(apply(kernels.tanh, ...ends, 0), [1, -1, NaN, 0]);
    assert.deepEqual(apply(kernels.softplus, ...ends), [Infinity, 0, NaN]);
    assert.deepEqual(apply(kernels.relu, ...ends), [Infinity, 0, NaN]);
    assert.deepEqual(apply(kernels.gelu, Infinity, NaN, 0, -30), [Infinity, NaN, 0, -0]);
    const [one, zero, nan] = apply(kernels.sigmoid, ...ends);
    assert.ok(one === 1 && zero === 0 && Number.isNaN(nan));
    block.release();
  });

  Deno.test(`${variant}: gemm equals a Float64 product for every tile, block edge, layout and stride`, () => {
    const rows = fc.oneof(fc.integer({ min: 1, max: 14 }), fc.constantFrom(95, 96, 97, 103));
    const columns = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(64));
    const depth = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom(255, 256, 257, 513));
    fc.assert(
      fc.property(
        rows,
        columns,
        depth,
        fc.record({
          transposedA: fc.boolean(),
          transposedB: fc.boolean(),
          packed: fc.boolean(),
          accumulate: fc.boolean(),
          gap: fc.nat(3),
        }),
        fc.nat(1e6),
        (m, n, k, { transposedA, transposedB, packed, accumulate, gap }, seed) => {
          const random = new Random(seed);
          const inPlace = !packed && !transposedB;
          const [aStride, bStride, cStride] = [(transposedA ? m : k) + gap, (transposedB ? k : n) + gap, n + gap];
          const padded = Math.ceil(n / 8) * 8;
          const sizes = [
            (transposedA ? k : m) * aStride,
            (transposedB ? n : k) * bStride,
            m * cStride,
            k * padded,
            96 * 256,
          ];
          const blocks = sizes.map((size) => new Block(4 * size, "a test"));
          const [a, b, c] = blocks.map(({ offset }, i) => view(offset, sizes[i]!));
          for (const part of [a!, b!, c!]) part.forEach((_, i) => part[i] = random.normal());
          const before = c!.slice();
          const [pa, pb, pc, pp, strips] = blocks.map(({ offset }) => offset) as [
            number,
            number,
            number,
            number,
            number,
          ];
          if (inPlace) {
            const row = 4 * bStride;
            kernels.gemm(
              m,
              n,
              k,
              pa,
              4 * aStride,
              transposedA,
              pb,
              row,
              32,
              256 * row,
              false,
              pc,
              4 * cStride,
              accumulate,
              strips,
            );
          } else {
            kernels.pack(k, n, pb, 4 * bStride, transposedB, pp);
            kernels.gemm(
              m,
              n,
              k,
              pa,
              4 * aStride,
              transposedA,
              pp,
              32,
              0,
              1024 * padded,
              true,
              pc,
              4 * cStride,
              accumulate,
              strips,
            );
          }
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < cStride; j++) {
              let expected = before[i * cStride + j]!;
              if (j < n) {
                if (!accumulate) expected = 0;
                for (let p = 0; p < k; p++) {
                  const left = a![transposedA ? p * aStride + i : i * aStride + p]!;
                  expected += left * b![transposedB ? j * bStride + p : p * bStride + j]!;
                }
              }
              const got = c![i * cStride + j]!;
              assert.ok(Math.abs(got - expected) <= 2e-6 * (k + 4), `[${i}, ${j}] is ${got}, expected ${expected}`);
            }
          }
          blocks.forEach((block) => block.release());
        },
      ),
      { numRuns: 150 },
    );
  });
}

Deno.test("bytes survive as text, which needs no escape in a string", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const text = textFromBytes(bytes);
  assert.equal(JSON.stringify(text), `"${text}"`);
  assert.match(text, /^[ -~]+$/);
  assert.deepEqual(bytesFromText(text), bytes);
});

Deno.test("loadKernels fails if the engine cannot run either build", () => {
  const broken = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 255);
  assert.throws(() => loadKernels({ relaxed: broken, plain: broken }), /must support WebAssembly SIMD/);
});

Deno.test("loadKernels names the directive if a content security policy forbids WebAssembly", () => {
  const { Module } = WebAssembly;
  const refuse = function () {
    throw new WebAssembly.CompileError("violates the following Content Security policy directive");
  };
  Object.assign(WebAssembly, { Module: refuse });
  try {
    assert.throws(() => loadKernels({ plain }), {
      message:
        "Cannot load the kernels: the content security policy must allow WebAssembly; add 'wasm-unsafe-eval' to " +
        "its script-src directive; got violates the following Content Security policy directive",
    });
  } finally {
    Object.assign(WebAssembly, { Module });
  }
});

Deno.test("loadKernels falls back to the plain build", () => {
  const broken = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 255);
  const before = memory.buffer.byteLength;
  const kernels = loadKernels<CoreKernels>({ relaxed: broken, plain });
  assert.equal(typeof kernels.gemm, "function");
  assert.equal(memory.buffer.byteLength, before);
});

Deno.test("gemm uses a right operand in place for few rows, and packs it once for many", () => {
  using _ = scope();
  const random = new Random(1);
  const [m, n, k] = [3, 11, 600];
  const draw = (size: number) => tensor(Float32Array.from({ length: size }, () => random.normal()));
  const [a, b, c] = [draw(m * k), draw(k * n), tensor(new Float32Array(m * n))];
  const matrix = { k, n, offset: b.offset, stride: n };
  for (const rows of [m, 1000]) {
    const right = rightOperand(matrix, { rows });
    assert.equal(right.panels() === 0, rows === m);
    gemm({ m, a: a.offset, aStride: k, b: right, c: c.offset, cStride: n });
    for (let i = 0; i < m * n; i++) {
      let expected = 0;
      for (let p = 0; p < k; p++) expected += a.data[Math.floor(i / n) * k + p]! * b.data[p * n + i % n]!;
      assert.ok(Math.abs(c.data[i]! - expected) < 1e-3);
    }
    if (rows === m) continue;
    // The packed copy does not follow changes of the matrix.
    const before = c.data.slice();
    b.data.fill(0);
    gemm({ m, a: a.offset, aStride: k, b: right, c: c.offset, cStride: n });
    assert.deepEqual(c.data, before);
  }
});
