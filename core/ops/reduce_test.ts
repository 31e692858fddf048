import { argmax, max, mean, scope, sum, tensor } from "@unfold/core";
import { checkOp } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { reduced, reduction, total } from "./_oracles_test.ts";

for (const [name, op, f] of [["sum", sum, total], ["mean", mean, (v: number[]) => total(v) / v.length]] as const) {
  Deno.test(`${name}: value and gradient equal the Float64 oracle's, along any axes`, () => {
    fc.assert(fc.property(reduction, fc.nat(1e6), ([shape, axes, keepDims], seed) => {
      checkOp({
        op: (x) =>
          op(x!, axes === undefined ? { keepDims } : { axis: axes.map((a, i) => i ? a : a - shape.length), keepDims }),
        oracle: (x) => reduced(f, axes ?? shape.map((_, i) => i), keepDims)(x!),
        shapes: [shape],
        seed,
      });
    }));
  });
}

Deno.test("max: value and gradient equal the Float64 oracle's, along an axis or all", () => {
  fc.assert(fc.property(reduction, fc.nat(1e6), ([shape, axes, keepDims], seed) => {
    const axis = axes?.[0];
    checkOp({
      op: (x) => max(x!, axis === undefined ? { keepDims } : { axis, keepDims }),
      oracle: (x) => reduced((v) => Math.max(...v), axis === undefined ? shape.map((_, i) => i) : [axis], keepDims)(x!),
      shapes: [shape],
      seed,
    });
  }));
});

Deno.test("max and argmax take the first of equal values, and NaN before all", () => {
  const x = tensor([[1, 3, 3], [2, NaN, 5]], { requiresGrad: true });
  assert.deepEqual(argmax(x).toArray(), [1, 1]);
  assert.deepEqual(argmax(x, { axis: 0 }).toArray(), [1, 1, 1]);
  const y = max(x, { axis: 1 });
  assert.deepEqual(y.toArray(), [3, NaN]);
  y.backward(tensor([10, 20]));
  assert.deepEqual(x.grad!.toArray(), [[0, 10, 0], [0, 20, 0]]);
  assert.ok(Number.isNaN(max(x).item()));
});

Deno.test("axes that x does not have and maxima of no elements are refused", () => {
  const x = tensor([[1, 2]]);
  assert.throws(() => sum(x, { axis: 2 }), {
    name: "RangeError",
    message: "Cannot sum a tensor of shape [1, 2]: axis must be from -2 to 1, got 2",
  });
  assert.throws(() => max(tensor([])), /it must have at least one element/);
});

Deno.test("the error of a sum does not grow with its length", () => {
  using _ = scope();
  const n = 1_000_003;
  assert.ok(Math.abs(sum(tensor(new Float32Array(n).fill(0.1))).item() / (n * Math.fround(0.1)) - 1) < 1e-6);
});

Deno.test("sums over many rows stay precise in every column", () => {
  using _ = scope();
  const rows = 1_000_000;
  const means = mean(tensor(new Float32Array(9 * rows).fill(0.1), { shape: [rows, 9] }), { axis: 0 });
  for (const value of means.data) assert.ok(Math.abs(value / Math.fround(0.1) - 1) < 1e-6, String(value));
});

Deno.test("a sum over axes of length 1 is a new tensor", () => {
  const x = tensor([[1], [2]]);
  const y = sum(x, { axis: 1 });
  y.data[0] = 99;
  y.dispose();
  assert.deepEqual(x.toArray(), [[1], [2]]);
});
