import { concat, gather, multiply, slice, stack, sum, type Tensor, tensor, unstack } from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { indicesOf, length } from "./_oracles_test.ts";

Deno.test("slice and concat: values and gradients equal the Float64 oracle's", () => {
  const sliced = ({ shape: [rows, columns], data }: Oracle, start: number, end: number): Oracle => ({
    shape: [rows!, end - start],
    data: data.filter((_, i) => i % columns! >= start && i % columns! < end),
  });
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

Deno.test("slice and concat refuse ranges, axes and shapes that do not fit", () => {
  const x = tensor([[1, 2, 3]]);
  assert.throws(() => slice(x, { axis: 1, start: 2, end: 5 }), {
    name: "RangeError",
    message: "Cannot slice a tensor of shape [1, 3]: the range must be within axis 1, got 2 to 5",
  });
  assert.throws(() => slice(x, { axis: 2 }), RangeError);
  assert.throws(() => concat([]), TypeError);
  assert.throws(() => concat([x, tensor([[1]])]), /equal on the other axes, got \[1, 3\], \[1, 1\]/);
  assert.throws(
    () => concat([x], { axis: 0.5 }),
    /Cannot concatenate a tensor of shape \[1, 3\]: axis must be from -2 to 1, got 0.5/,
  );
  assert.throws(() => stack([x], { axis: 4 }), /Cannot stack .* axis must be from -3 to 2, got 4/);
});

Deno.test("stack joins tensors along a new axis, at any position", () => {
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

Deno.test("gather looks up rows by index and adds up the gradients of each row", () => {
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

Deno.test("gather checks the indices again in the backward pass", () => {
  const [table, indices] = [tensor([[1], [2]], { requiresGrad: true }), tensor([0, 1], { dtype: "i32" })];
  const y = gather(table, indices);
  indices.data.fill(-100);
  assert.throws(() => y.backward(tensor([[1], [1]])), /indices must be rows from 0 to 1, got -100 at position 0/);
  assert.throws(
    () => gather(table, tensor([0]) as unknown as Tensor<"i32">),
    /must be integers \(dtype "i32"\), got "f32"/,
  );
});

Deno.test("gather refuses fractional indices, indices that are not a tensor, and a frozen row outside the table", () => {
  const [table, indices] = [tensor([[1], [2]]), tensor([0, 1], { dtype: "i32" })];
  assert.throws(() => gather(table, tensor([0, 0.5]) as unknown as Tensor<"i32">), {
    name: "TypeError",
    message: 'Cannot gather: indices must be integers (dtype "i32"), got "f32" with 0.5 at position 1; ' +
      'pass { dtype: "i32" } to tensor(), or use cast(indices, "i32")',
  });
  assert.throws(() => tensor([0, 0.5], { dtype: "i32" }), /values must be 32-bit integers, got 0.5 at position 1/);
  assert.throws(() => gather(table, [0, 1] as unknown as Tensor<"i32">), /operands must be tensors, got an array/);
  assert.throws(() => gather(tensor([], { shape: [0, 1] }), indices), /the table must have rows, got 0 at position 0/);
  for (const frozenRow of [0.5, -1, 2, NaN]) {
    assert.throws(() => gather(table, indices, { frozenRow }), {
      name: "RangeError",
      message: `Cannot gather: frozenRow must be a row from 0 to 1, got ${frozenRow}`,
    });
  }
});

Deno.test("unstack is the inverse of stack, and its gradient equals the Float64 oracle's", () => {
  const cases = fc.array(length, { minLength: 1, maxLength: 3 }).chain((shape) =>
    fc.tuple(fc.constant(shape), fc.integer({ min: -shape.length, max: shape.length - 1 }))
  );
  fc.assert(fc.property(cases, fc.nat(1e6), ([shape, axis], seed) => {
    checkOp({ op: (x) => stack(unstack(x!, { axis }), { axis }), oracle: (x) => x!, shapes: [shape], seed });
  }));
});

Deno.test("unstack gives a gradient of 0 where a part is not used", () => {
  const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
  const [, second] = unstack(x);
  sum(multiply(second!, second!)).backward();
  assert.deepEqual(x.grad?.toArray(), [[0, 0], [6, 8]]);
  assert.deepEqual(unstack(tensor([], { shape: [0, 2] })), []);
  assert.throws(() => unstack(tensor(1)), {
    message: "Cannot unstack a scalar: the tensor must have at least one axis, got shape []",
  });
});

Deno.test("slice, concat, stack, unstack and gather move integers and stay off the tape", () => {
  const x = tensor(Int32Array.of(1, 2, 3, 0x7fa00001), { shape: [2, 2] });
  const results: Tensor<"i32">[] = [
    slice(x, { axis: 1, start: 1 }),
    concat([x, x], { axis: 1 }),
    stack([x, x]),
    unstack(x)[1]!,
    gather(x, tensor([1], { dtype: "i32" })),
  ];
  assert.deepEqual(results.map((y) => y.toArray()), [
    [[2], [0x7fa00001]],
    [[1, 2, 1, 2], [3, 0x7fa00001, 3, 0x7fa00001]],
    [x.toArray(), x.toArray()],
    [3, 0x7fa00001],
    [[3, 0x7fa00001]],
  ]);
  assert.ok(results.every(({ dtype, requiresGrad }) => dtype === "i32" && !requiresGrad));
  assert.throws(() => concat([tensor([1]), tensor(Int32Array.of(1)) as unknown as Tensor]), {
    name: "TypeError",
    message: 'Cannot concatenate: all tensors must have the same dtype, got "f32", "i32"; see cast()',
  });
});
