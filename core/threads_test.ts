import {
  exp,
  full,
  logSoftmax,
  matmul,
  Random,
  scope,
  softmax,
  sum,
  tanh,
  type Tensor,
  tensor,
  threadCount,
  useThreads,
  zeros,
} from "@unfold/core";
import { coreKernels, gemm, inShares, loadKernels, memory, rightOperand, scratch, view } from "@unfold/core/kernels";
import { checkThreads } from "@unfold/core/testing";
import assert from "node:assert/strict";

const random = new Random(1);

function draw(shape: number[]): Tensor {
  return tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()), { shape });
}

/** A test on a number of threads. */
function testOn(count: number, name: string, test: () => void): void {
  Deno.test(name, async () => {
    assert.equal(await useThreads(count), count);
    try {
      using _ = scope();
      test();
    } finally {
      await useThreads(1);
    }
  });
}

Deno.test("useThreads refuses counts that are not from 1 to 256", async () => {
  await assert.rejects(useThreads(0), /Cannot use threads: count must be an integer of 1 or more, got 0/);
  await assert.rejects(useThreads(1.5), /got 1\.5/);
  await assert.rejects(useThreads(257), /count must be at most 256, got 257/);
  assert.equal(threadCount(), 1);
});

Deno.test("useThreads: calls that overlap take turns", async () => {
  assert.deepEqual(await Promise.all([useThreads(3), useThreads(2), useThreads(4), useThreads(1)]), [3, 2, 4, 1]);
  assert.equal(threadCount(), 1);
});

testOn(3, "inShares: every item is in one share, and shares start at multiples", () => {
  const shares: [number, number][] = [];
  inShares(50, { least: 1, multiple: 8 }, (from, to) => void shares.push([from, to]));
  shares.sort(([a], [b]) => a - b);
  assert.deepEqual(shares, [[0, 16], [16, 32], [32, 50]]);
});

testOn(3, "inShares: work that is not worth a thread stays on one, and so do parts of a share", () => {
  const shares: [number, number][] = [];
  inShares(50, { least: 26 }, (from, to) => void shares.push([from, to]));
  assert.deepEqual(shares, [[0, 50]]);
  inShares(2, { least: 1 }, (from) => {
    if (from === 0) inShares(9, { least: 1 }, (from, to) => void shares.push([from, to]));
  });
  assert.deepEqual(shares, [[0, 50], [0, 9]]);
});

testOn(2, "inShares: a share may have more calls than fit between the threads, and they keep their order", () => {
  const x = zeros([2]);
  inShares(2, { least: 1 }, (from, to) => {
    for (let i = 0; i < 5000; i++) {
      coreKernels.affine(x.offset + 4 * from, x.offset + 4 * from, to - from, i % 2 === 0 ? 2 : 0.5, 1);
    }
  });
  const [first, second] = x.data;
  assert.equal(first, second);
  assert.notEqual(first, 0);
});

testOn(2, "inShares: a kernel that fails on a thread is an error, and the threads go on", () => {
  const y = full([2], 4);
  const root = (at: (from: number) => number) =>
    inShares(2, { least: 1 }, (from, to) => coreKernels.sqrt(at(from), at(from), to - from));
  assert.throws(
    () => root((from) => from === 0 ? y.offset : 2 ** 31),
    /Cannot run a kernel on a thread: RuntimeError: .*out of bounds/i,
  );
  y.data.fill(4);
  root((from) => y.offset + 4 * from);
  assert.deepEqual(y.toArray(), [2, 2]);
});

testOn(2, "inShares: after an exception between calls, kernels run again and threads are idle", () => {
  const y = full([2], 4);
  assert.throws(() =>
    inShares(2, { least: 1 }, (from) => {
      coreKernels.sqrt(y.offset + 4 * from, y.offset + 4 * from, 1);
      throw new Error("in between");
    }), /in between/);
  assert.equal(coreKernels.sum(y.offset, 2), 6);
});

testOn(2, "inShares: scratch memory of a share is not reused before all shares are done", () => {
  const offsets: number[] = [];
  inShares(2, { least: 1 }, () => {
    for (let i = 0; i < 2; i++) {
      using _ = scope();
      offsets.push(scratch(64));
    }
  });
  assert.equal(new Set(offsets).size, 4);
});

testOn(2, "threads see a memory that has grown meanwhile", () => {
  for (let i = 0; i < 4; i++) {
    const before = memory.buffer.byteLength;
    // As large as all of the memory.
    const x = zeros([before / 4], { persistent: true });
    assert.ok(memory.buffer.byteLength > before);
    inShares(x.size, { least: 1 }, (from, to) => {
      coreKernels.affine(x.offset + 4 * from, x.offset + 4 * from, to - from, 0, i);
    });
    assert.ok(x.data.every((value) => value === i));
    x.dispose();
  }
});

testOn(2, "threads load kernels that are loaded after they started", () => {
  // (module (import "env" "memory" (memory 0)) (func (export "put") (param i32 i32) local.get 0 local.get 1 i32.store))
  const wasm = "AGFzbQEAAAABBgFgAn9/AAIPAQNlbnYGbWVtb3J5AgAAAwIBAAcHAQNwdXQAAAoLAQkAIAAgATYCAAs=";
  const kernels = loadKernels<{ put(at: number, value: number): void }>({
    plain: Uint8Array.from(atob(wasm), (char) => char.charCodeAt(0)),
  });
  const x = tensor([0, 0], { dtype: "i32" });
  inShares(2, { least: 1 }, (from) => kernels.put(x.offset + 4 * from, from + 7));
  assert.deepEqual(x.toArray(), [7, 8]);
});

Deno.test("matrix products are the same on any number of threads", async () => {
  const shapes = Array.from(
    { length: 60 },
    () => [1, 1, 1].map(() => 1 + random.integer(70)) as [number, number, number],
  );
  shapes.push([3, 40, 33_000], [70, 33, 600], [1, 200, 300], [200, 1, 300], [37, 300, 5]);
  const cases = shapes.map(([m, n, k], i) => {
    const [transposeA, transposeB] = [i % 2 === 1, i % 4 > 1];
    const a = draw(transposeA ? [k, m] : [m, k]);
    const b = draw(transposeB ? [n, k] : [k, n]);
    return () => matmul(a, b, { transposeA, transposeB }).data;
  });
  await checkThreads(() => Object.fromEntries(cases.map((run, i) => [`product ${shapes[i]!.join(" × ")}`, run()])));
});

Deno.test("sums of products with strides are the same on any number of threads", async () => {
  const [m, n, k, stride] = [37, 45, 300, 61];
  const [a, b, c] = [draw([k, stride]), draw([k, stride]), draw([m, stride])];
  await checkThreads(() => {
    const sums = tensor(c.data.slice(), { shape: [m, stride] });
    const right = rightOperand({ k, n, offset: b.offset, stride });
    gemm({
      m,
      a: a.offset,
      aStride: stride,
      aTransposed: true,
      b: right,
      c: sums.offset,
      cStride: stride,
      accumulate: true,
    });
    return { sums: view(sums.offset, m * stride) };
  });
});

Deno.test("elementwise functions, softmax and their gradients are the same on any number of threads", async () => {
  const x = draw([37, 53]);
  const weights = draw([37, 53]);
  await checkThreads(() =>
    Object.fromEntries([tanh, exp, softmax, logSoftmax].flatMap((op) => {
      const input = tensor(x.data.slice(), { shape: x.shape, requiresGrad: true });
      const y = op(input);
      y.backward(weights);
      return [[`${op}`, y.data], [`gradient of ${op}`, input.grad!.data], ["sum", sum(y).data]];
    }))
  );
});

/** Runs a program on two threads without any permission. */
async function runProgram(body: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const core = (name: string) => JSON.stringify(import.meta.resolve(`./${name}.ts`));
  const program = `
    import { tensor, threadCount, useThreads, zeros } from ${core("mod")};
    import { coreKernels, inShares } from ${core("kernels")};
    await useThreads(2);
    ${body}`;
  const args = ["run", "--no-prompt", "--no-check", "--cached-only", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("a program without permissions has threads, and ends when its main thread does", async () => {
  const { code, stdout, stderr } = await runProgram(`
    const x = zeros([2]);
    inShares(2, { least: 1 }, (from) => coreKernels.exp(x.offset + 4 * from, x.offset + 4 * from, 1));
    console.log(threadCount(), ...x.data);`);
  assert.equal(stderr, "");
  assert.deepEqual([code, stdout], [0, "2 1 1\n"]);
});

Deno.test("a program that throws while its threads compute ends", async () => {
  const { code, stderr } = await runProgram(`
    const x = zeros([2]);
    inShares(2, { least: 1 }, (from) => {
      for (let i = 0; i < 5000; i++) coreKernels.exp(x.offset + 4 * from, x.offset + 4 * from, 1);
      throw new Error("in between");
    });`);
  assert.equal(code, 1);
  assert.match(stderr, /in between/);
});

Deno.test("threads of a program that waits use no processor time", async () => {
  const { stdout, stderr } = await runProgram(`
    import { cpuUsage } from "node:process";
    const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    await wait(200);
    const before = cpuUsage();
    await wait(1000);
    const { user, system } = cpuUsage(before);
    console.log((user + system) / 1e6);`);
  assert.equal(stderr, "");
  assert.ok(Number(stdout) < 0.2, `used ${stdout.trim()} seconds of processor time in a second`);
});
