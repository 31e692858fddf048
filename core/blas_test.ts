import { empty, full, matmul, noGrad, Random, scope, tensor, useBlas } from "@unfold/core";
import { gemm, rightOperand } from "@unfold/core/kernels";
import { assertClose, checkThreads } from "@unfold/core/testing";
import assert from "node:assert/strict";
import { activeBlas } from "./gemm.ts";

/** Whether this machine has OpenBLAS; without it, the tests that need it are skipped. */
function isInstalled(): boolean {
  try {
    useBlas()[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

const ignore = !isInstalled();

Deno.test("BLAS computes the same products, with every transposition, until it is disposed", { ignore }, () => {
  using _ = scope();
  const random = new Random(1);
  const draw = (rows: number, columns: number) =>
    tensor(Float32Array.from({ length: rows * columns }, () => random.normal()), { shape: [rows, columns] });
  const [n, k] = [41, 300];
  // With many rows a transposed factor is copied first.
  for (const m of [33, 600]) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const [a, b] = [transposeA ? draw(k, m) : draw(m, k), transposeB ? draw(n, k) : draw(k, n)];
        const product = () => noGrad(() => matmul(a, b, { transposeA, transposeB })).data.slice();
        const ours = product();
        {
          using _ = useBlas();
          assert.notEqual(activeBlas(), undefined);
          assertClose(product(), ours, { tolerance: 1e-6 });
        }
        assert.equal(activeBlas(), undefined);
        assert.deepEqual(product(), ours);
      }
    }
  }
});

Deno.test("one right operand works for BLAS and the WebAssembly kernels in turn", { ignore }, () => {
  using _ = useBlas();
  using _scope = scope();
  const [n, k] = [40, 50];
  const [a, b] = [full([64, k], 0.5), tensor(Float32Array.from({ length: n * k }, (_, i) => i % 7), { shape: [n, k] })];
  const right = rightOperand({ k, n, offset: b.offset, stride: k, transposed: true }, { rows: 1000 });
  const expected = Array.from({ length: n }, (_, j) => b.data.slice(j * k, (j + 1) * k).reduce((x, y) => x + y) / 2);
  // BLAS does not get a single row.
  for (const m of [1, 64, 1, 64]) {
    const c = empty([m, n]);
    gemm({ m, a: a.offset, aStride: k, b: right, c: c.offset, cStride: n });
    assert.deepEqual([...c.data], Array.from({ length: m }, () => expected).flat());
  }
});

Deno.test("BLAS finds the memory again after it has grown", { ignore }, () => {
  using _ = useBlas();
  using _scope = scope();
  const a = tensor(new Float32Array(64 * 64).fill(1), { shape: [64, 64] });
  assert.equal(matmul(a, a).data[0], 64);
  tensor(new Float32Array(40 * 2 ** 20));
  assert.equal(matmul(a, a).data[4095], 64);
});

Deno.test("a missing library, or one that is not a BLAS, is refused, and the WebAssembly kernels stay in use", () => {
  assert.throws(() => useBlas("/nowhere/libopenblas.so"), /^Error: Cannot use BLAS: .*\/nowhere\/libopenblas\.so/);
  assert.throws(() => useBlas("/lib/x86_64-linux-gnu/libm.so.6"), /^Error: Cannot use BLAS: /);
  assert.equal(activeBlas(), undefined);
  assert.equal(matmul(tensor([[2]]), tensor([[3]])).item(), 6);
});

Deno.test("without the permission, BLAS fails with Deno's advice", { permissions: { ffi: false } }, () => {
  assert.throws(() => useBlas(), /^Error: Cannot use BLAS: .*--allow-ffi/);
});

Deno.test("the last of several BLAS is in use; they may be disposed in any order, and twice", { ignore }, () => {
  const [a, b] = [useBlas(), useBlas()];
  const first = activeBlas();
  b[Symbol.dispose]();
  b[Symbol.dispose]();
  assert.notEqual(activeBlas(), first);
  assert.notEqual(activeBlas(), undefined);
  const c = useBlas();
  a[Symbol.dispose]();
  assert.notEqual(activeBlas(), undefined);
  c[Symbol.dispose]();
  assert.equal(activeBlas(), undefined);
});

Deno.test(
  "BLAS on threads: products in rows, in columns and of few rows; then kernels, to the last bit",
  { ignore },
  async () => {
    const random = new Random(2);
    const draw = (rows: number, columns: number) =>
      tensor(Float32Array.from({ length: rows * columns }, () => random.normal()), { shape: [rows, columns] });
    const products = [[64, 64, 64], [600, 50, 70], [33, 200, 900], [2, 300, 300], [1, 300, 300]].flatMap(([m, n, k]) =>
      [[false, false], [true, false], [false, true], [true, true]].map(([transposeA = false, transposeB = false]) => {
        const [a, b] = [transposeA ? draw(k!, m!) : draw(m!, k!), transposeB ? draw(n!, k!) : draw(k!, n!)];
        return () => noGrad(() => matmul(a, b, { transposeA, transposeB })).data;
      })
    );
    const all = () => Object.fromEntries(products.map((product, i) => [`product ${i}`, product()]));
    {
      using _ = useBlas();
      await checkThreads(all, { tolerance: 1e-6 });
    }
    await checkThreads(all);
  },
);
