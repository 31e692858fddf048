import {
  argmax,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  minimum,
  notEqual,
  Random,
  scope,
  type Tensor,
  tensor,
} from "@unfold/core";
import { checkOp } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";

const comparisons = {
  greater: [greater, (a: number, b: number) => a > b],
  greaterEqual: [greaterEqual, (a: number, b: number) => a >= b],
  less: [less, (a: number, b: number) => a < b],
  lessEqual: [lessEqual, (a: number, b: number) => a <= b],
  equal: [equal, (a: number, b: number) => a === b],
  notEqual: [notEqual, (a: number, b: number) => a !== b],
} as const;

for (const [name, [op, expected]] of Object.entries(comparisons)) {
  Deno.test(`${name}: floats and integers, with broadcasting and NaN`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 11 }), fc.nat(1e6), (m, n, seed) => {
        using _ = scope();
        const random = new Random(seed);
        for (const dtype of ["f32", "i32"] as const) {
          const draw = (count: number) =>
            Float32Array.from(
              { length: count },
              () => dtype === "f32" && random.uniform() < 0.1 ? NaN : random.integer(5) - 2,
            );
          const make = (values: Float32Array, shape: number[]) =>
            dtype === "f32" ? tensor(values, { shape }) : tensor(Int32Array.from(values), { shape });
          const [a, b] = [draw(m * n), draw(n)];
          const result = (op as (a: Tensor, b: Tensor) => Tensor<"i32">)(
            make(a, [m, n]) as Tensor,
            make(b, [n]) as Tensor,
          );
          assert.equal(result.dtype, "i32");
          assert.deepEqual([...result.data], [...a].map((value, i) => Number(expected(value, b[i % n]!))));
        }
      }),
    );
  });
}

Deno.test("comparisons refuse two kinds of element", () => {
  const both = () => greater(tensor([1]) as Tensor, tensor(Int32Array.of(1)) as unknown as Tensor);
  assert.throws(both, {
    name: "TypeError",
    message:
      'Cannot greater: both tensors must hold the same kind of element, got "f32" of shape [1] and "i32" of shape [1]',
  });
});

Deno.test("minimum: value and gradient equal the Float64 oracle's, half of it to each of two equal values", () => {
  checkOp({
    op: (a, b) => minimum(a!, b!),
    oracle: (a, b) => ({ shape: a!.shape, data: a!.data.map((value, i) => Math.min(value, b!.data[i]!)) }),
    shapes: [[3, 5], [3, 5]],
  });
  const x = tensor([1, 2], { requiresGrad: true });
  minimum(x, tensor([1, 1])).backward(tensor([1, 1]));
  assert.deepEqual(x.grad!.toArray(), [0.5, 0]);
});

Deno.test("argmax of integers, negative ones too", () => {
  assert.deepEqual(argmax(tensor([[-5, -2, -9], [0, -1, 7]], { dtype: "i32" })).toArray(), [1, 2]);
});
