import { reshape, type Tensor, tensor, transpose } from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { indicesOf, length } from "./_oracles_test.ts";

Deno.test("transpose: value and gradient equal the Float64 oracle's, for any order of axes", () => {
  const order = fc.array(length, { maxLength: 4 }).chain((shape) =>
    fc.tuple(fc.constant(shape), fc.shuffledSubarray(shape.map((_, i) => i), { minLength: shape.length }))
  );
  fc.assert(fc.property(order, fc.nat(1e6), ([shape, axes], seed) => {
    const oracle = ({ data }: Oracle): Oracle => {
      const result = axes.map((axis) => shape[axis]!);
      const at = (index: readonly number[]) => {
        const source: number[] = [];
        axes.forEach((axis, i) => source[axis] = index[i]!);
        return source.reduce((sum, value, axis) => sum * shape[axis]! + value, 0);
      };
      return { shape: result, data: Float64Array.from([...indicesOf(result)].map((index) => data[at(index)]!)) };
    };
    checkOp({ op: (x) => transpose(x!, axes), oracle: (x) => oracle(x!), shapes: [shape], seed });
  }));
  assert.throws(() => transpose(tensor([[1]]), [0, 0]), /axes must name each axis once, got \[0, 0\]/);
});

Deno.test("reshape: value and gradient equal the Float64 oracle's", () => {
  checkOp({ op: (x) => reshape(x!, [3, 4]), oracle: (x) => ({ shape: [3, 4], data: x!.data }), shapes: [[2, 6]] });
});

Deno.test("reshape refuses invalid shapes and another number of elements", () => {
  assert.throws(() => reshape(tensor([[1, 2, 3]]), [2, 2]), {
    message: "Cannot reshape [1, 3] to [2, 2]: the new shape must have 3 elements, got 4",
  });
  const x = tensor([[1, 2]]);
  assert.throws(() => reshape(x, 3 as unknown as number[]), {
    name: "TypeError",
    message: "Cannot reshape: shape must be an array of lengths, such as [2, 3], got 3",
  });
  assert.throws(() => reshape(x, [-1, -2]), /Cannot reshape: shape must be integers of 0 or more, got \[-1, -2\]/);
});

Deno.test("reshape infers one length of -1, and its gradient has the input's shape", () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]], { requiresGrad: true });
  assert.deepEqual(reshape(x, [-1]).shape, [6]);
  assert.deepEqual(reshape(x, [3, -1]).toArray(), [[1, 2], [3, 4], [5, 6]]);
  assert.deepEqual(reshape(x, [1, -1, 2]).shape, [1, 3, 2]);
  assert.deepEqual(reshape(tensor(7), [-1]).shape, [1]);
  assert.deepEqual(reshape(tensor([]), [-1, 4]).shape, [0, 4]);
  reshape(x, [-1]).backward(tensor([1, 2, 3, 4, 5, 6]));
  assert.deepEqual(x.grad?.toArray(), [[1, 2, 3], [4, 5, 6]]);
});

Deno.test("reshape refuses two lengths of -1, and one that cannot be inferred", () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  assert.throws(() => reshape(x, [-1, -1]), {
    name: "RangeError",
    message: "Cannot reshape [2, 3] to [-1, -1]: at most one length must be -1, got two or more",
  });
  assert.throws(() => reshape(x, [-1, 4]), {
    name: "TypeError",
    message: "Cannot reshape [2, 3] to [-1, 4]: the product of the other lengths must divide the 6 elements, got 4",
  });
  assert.throws(() => reshape(tensor([]), [-1, 0]), {
    message: "Cannot reshape [0] to [-1, 0]: any length would fit in place of -1; write it out",
  });
});

Deno.test("reshape and transpose move integers exactly and stay off the tape", () => {
  // As floats, some of these bits are NaNs and denormals.
  const values = Int32Array.of(0x7fa00001, -1, 1, 0x7fffffff, -0x80000000, 5);
  const x: Tensor<"i32"> = tensor(values, { shape: [2, 3] });
  const columns: Tensor<"i32"> = transpose(x);
  assert.equal(columns.dtype, "i32");
  assert.deepEqual(columns.toArray(), [0, 1, 2].map((i) => [values[i], values[i + 3]]));
  const flat: Tensor<"i32"> = reshape(x, [-1]);
  assert.deepEqual(flat.data, values);
  assert.equal(flat.requiresGrad, false);
  // Without annotations, floats stay `Tensor`.
  const y: Tensor = transpose(reshape(tensor([1, 2]), [1, 2]));
  assert.equal(y.dtype, "f32");
});
