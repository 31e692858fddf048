import { logSoftmax, matmul, relu, scope, softmax, sum, tensor, transpose } from "@unfold/core";
import assert from "node:assert/strict";

/** The largest relative difference. */
function worst(actual: ArrayLike<number>, expected: readonly number[]): number {
  return Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value) / Math.abs(value)));
}

Deno.test("a sum over axes that are not adjacent does not lose digits with its length", () => {
  using _ = scope();
  const x = tensor(new Float32Array(4e6).fill(0.1), { shape: [1_000_000, 2, 2] });
  const exact = Math.fround(0.1) * 2e6;
  assert.ok(worst(sum(x, { axis: [0, 2] }).data, [exact, exact]) < 1e-7);
});

Deno.test("softmax over a long row sums to 1, and so do its gradients' parts", () => {
  using _ = scope();
  const n = 2_000_003;
  const values = Float32Array.from({ length: n }, (_, i) => (i % 7) / 7);
  const exact = values.reduce((total, value) => total + Math.exp(value), 0);
  const x = tensor(values, { shape: [1, n], requiresGrad: true });
  const first = [...values.subarray(0, 7)];
  const error = worst(softmax(x).data.subarray(0, 7), first.map((value) => Math.exp(value) / exact));
  assert.ok(error < 3e-7, `${error}`);
  const log = logSoftmax(x).data.subarray(0, 7);
  assert.ok(worst(log, first.map((value) => value - Math.log(exact))) < 2e-7);
  sum(softmax(x)).backward();
  // Every part is y·(1 − Σ y), which is 0 up to rounding.
  assert.ok(x.grad!.data.every((value) => Math.abs(value) * n < 1e-6));
});

Deno.test("a product over a million rows has the precision of a short one", () => {
  using _ = scope();
  const rows = 1_000_000;
  const value = (i: number) => 0.5 + (i * 7919 % 1000) / 1000;
  const left = Float32Array.from({ length: 2 * rows }, (_, i) => value(i));
  const right = Float32Array.from({ length: 3 * rows }, (_, i) => value(i + 5));
  const expected = new Array<number>(6).fill(0);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < 6; i++) expected[i]! += left[2 * row + Math.floor(i / 3)]! * right[3 * row + i % 3]!;
  }
  const product = matmul(transpose(tensor(left, { shape: [rows, 2] })), tensor(right, { shape: [rows, 3] }));
  assert.ok(worst(product.data, expected) < 5e-7, `${worst(product.data, expected)}`);
});

Deno.test("the gradient of relu passes NaN on, as PyTorch's does", () => {
  const x = tensor([NaN, 1, -1, 0], { requiresGrad: true });
  sum(relu(x)).backward();
  assert.deepEqual(x.grad!.toArray(), [1, 1, 0, 0]);
});
