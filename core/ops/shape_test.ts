import { reshape, tensor, transpose } from "@unfold/core";
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
  assert.throws(() => reshape(x, [-1, -2]), /Cannot reshape: shape must be integers of 0 or more, got \[-1, -2\]/);
});
