import { concat, gather, reshape, slice, stack, type Tensor, tensor, transpose } from "@unfold/core";
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

Deno.test("gather: rows by index, the gradients of one row added up", () => {
  const indices = [[2, 0, 2], [1, 2, 2]];
  checkOp({
    op: (table) => gather(table!, tensor(indices, { dtype: "i32" })),
    oracle: (table) => ({
      shape: [2, 3, 5],
      data: Float64Array.from(indices.flat().flatMap((row) => [...table!.data.subarray(5 * row, 5 * row + 5)])),
    }),
    shapes: [[3, 5]],
  });
  const table = tensor([[1], [2]]);
  assert.throws(() => gather(table, tensor([0, 2], { dtype: "i32" })), {
    name: "RangeError",
    message: "Cannot gather from a table of shape [2, 1]: indices must be rows from 0 to 1, got 2 at position 1",
  });
  assert.throws(() => gather(table, tensor([-1], { dtype: "i32" })), /got -1 at position 0/);
});

Deno.test("stack: tensors along a new axis, at any place", () => {
  for (const axis of [0, 1, 2, -1, -3]) {
    checkOp({
      op: (a, b) => stack([a!, b!], { axis }),
      oracle: (a, b) => {
        const at = axis < 0 ? axis + 3 : axis;
        const shape = [2, 3].toSpliced(at, 0, 2);
        const data = [...indicesOf(shape)].map((index) => {
          const [i, j] = index.toSpliced(at, 1) as [number, number];
          return (index[at] === 0 ? a : b)!.data[i * 3 + j]!;
        });
        return { shape, data: Float64Array.from(data) };
      },
      shapes: [[2, 3], [2, 3]],
    });
  }
});

Deno.test("reshape, slice and concat: values and gradients equal the Float64 oracle's", () => {
  const sliced = ({ shape: [rows, columns], data }: Oracle, start: number, end: number): Oracle => ({
    shape: [rows!, end - start],
    data: data.filter((_, i) => i % columns! >= start && i % columns! < end),
  });
  checkOp({ op: (x) => reshape(x!, [3, 4]), oracle: (x) => ({ shape: [3, 4], data: x!.data }), shapes: [[2, 6]] });
  checkOp({ op: (x) => slice(x!, { axis: -1, start: 1, end: 4 }), oracle: (x) => sliced(x!, 1, 4), shapes: [[3, 5]] });
  checkOp({
    op: (a, b) => concat([a!, b!]),
    oracle: (a, b) => ({ shape: [3, 2], data: Float64Array.of(...a!.data, ...b!.data) }),
    shapes: [[1, 2], [2, 2]],
  });
  checkOp({
    op: (x) => concat([slice(x!, { axis: 1, end: 2 }), slice(x!, { axis: 1, start: 2 })], { axis: 1 }),
    oracle: (x) => x!,
    shapes: [[3, 5, 2]],
  });
});

Deno.test("reshape, slice and concat: what does not fit is refused", () => {
  const x = tensor([[1, 2, 3]]);
  assert.throws(() => reshape(x, [2, 2]), {
    message: "Cannot reshape [1, 3] to [2, 2]: it must have 3 elements, got 4",
  });
  assert.throws(() => slice(x, { axis: 1, start: 2, end: 5 }), {
    name: "RangeError",
    message: "Cannot slice a tensor of shape [1, 3]: the range must lie within axis 1, got 2 to 5",
  });
  assert.throws(() => slice(x, { axis: 2 }), RangeError);
  assert.throws(() => concat([]), TypeError);
  assert.throws(() => concat([x, tensor([[1]])]), /equal on the other axes, got \[1, 3\], \[1, 1\]/);
});

Deno.test("gather checks the indices again on the way back", () => {
  const [table, indices] = [tensor([[1], [2]], { requiresGrad: true }), tensor([0, 1], { dtype: "i32" })];
  const y = gather(table, indices);
  indices.data.fill(-100);
  assert.throws(() => y.backward(tensor([[1], [1]])), /indices must be rows from 0 to 1, got -100 at position 0/);
  assert.throws(
    () => gather(table, tensor([0]) as unknown as Tensor<"i32">),
    /must be integers \(dtype "i32"\), got "f32"/,
  );
});

Deno.test("shapes and axes that are none are refused by name", () => {
  const x = tensor([[1, 2]]);
  assert.throws(() => reshape(x, [-1, -2]), /Cannot reshape: shape must be integers of 0 or more, got \[-1, -2\]/);
  assert.throws(
    () => concat([x], { axis: 0.5 }),
    /Cannot concatenate a tensor of shape \[1, 2\]: axis must be from -2 to 1, got 0.5/,
  );
  assert.throws(() => stack([x], { axis: 4 }), /Cannot stack .* axis must be from -3 to 2, got 4/);
  assert.throws(
    () => tensor([1], { dtype: "i32", requiresGrad: true }),
    /dtype must be "f32", or "i32" for a tensor without gradient/,
  );
});
