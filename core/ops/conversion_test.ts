import {
  add,
  argmax,
  cast,
  detach,
  divide,
  exp,
  matmul,
  max,
  mean,
  multiply,
  noGrad,
  oneHot,
  power,
  reshape,
  scale,
  softmax,
  sum,
  type Tensor,
  tensor,
  where,
} from "@unfold/core";
import fc from "fast-check";
import assert from "node:assert/strict";

Deno.test("detach stops the gradient and shares the values", () => {
  const x = tensor([2, 3], { requiresGrad: true });
  const y = detach(multiply(x, x));
  assert.deepEqual(y.toArray(), [4, 9]);
  assert.equal(y.requiresGrad, false);
  sum(multiply(x, detach(x))).backward();
  assert.deepEqual(x.grad?.toArray(), [2, 3]);
  const same = detach(x);
  x.data[0] = 7;
  assert.equal(same.data[0], 7);
  const tokens: Tensor<"i32"> = detach(tensor(Int32Array.of(1)));
  assert.equal(tokens.dtype, "i32");
});

Deno.test("cast converts exact values both ways", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -(2 ** 24), max: 2 ** 24 })), (values) => {
    const integers: Tensor<"i32"> = cast(tensor(Float32Array.from(values)), "i32");
    assert.deepEqual([...integers.data], values);
    const floats: Tensor = cast(integers, "f32");
    assert.deepEqual([...floats.data], values);
  }));
  assert.deepEqual(cast(tensor([-(2 ** 31), 2 ** 30]), "i32").toArray(), [-(2 ** 31), 2 ** 30]);
  const x = tensor([1], { requiresGrad: true });
  assert.equal(cast(x, "f32"), x);
  assert.equal(cast(x, "i32").requiresGrad, false);
});

Deno.test("cast refuses values without an exact counterpart, with their position", () => {
  for (const value of [0.5, NaN, Infinity, -Infinity, 2 ** 31]) {
    assert.throws(() => cast(tensor([[0, 1], [value, 2]]), "i32"), {
      name: "RangeError",
      message:
        `Cannot cast to "i32" a tensor of shape [2, 2]: values must be 32-bit integers, got ${value} at position 2`,
    });
  }
  assert.throws(() => cast(tensor(Int32Array.of(1, 2 ** 24 + 1)), "f32"), {
    name: "RangeError",
    message:
      'Cannot cast to "f32" a tensor of shape [2]: integers must be exact as 32-bit floats, got 16777217 at position 1',
  });
  assert.throws(() => cast(tensor([1]), "f64" as "f32"), /dtype must be "f32", or "i32"/);
});

Deno.test("oneHot has a 1 at each index, and argmax inverts it", () => {
  const indices = tensor(Int32Array.of(2, 0, 1, 3), { shape: [2, 2] });
  const y = oneHot(indices, { classes: 4 });
  assert.deepEqual(y.toArray(), [[[0, 0, 1, 0], [1, 0, 0, 0]], [[0, 1, 0, 0], [0, 0, 0, 1]]]);
  assert.deepEqual(argmax(y).toArray(), indices.toArray());
});

Deno.test("oneHot refuses indices that are not classes, floats, and a count that is not positive", () => {
  for (const bad of [3, -1]) {
    assert.throws(() => oneHot(tensor(Int32Array.of(0, bad)), { classes: 3 }), {
      name: "RangeError",
      message: `Cannot encode as one-hot: indices must be classes from 0 to 2, got ${bad} at position 1`,
    });
  }
  assert.throws(
    () => oneHot(tensor(Int32Array.of(0)), { classes: 0 }),
    /Cannot encode as one-hot: classes must be an integer of 1 or more, got 0/,
  );
  assert.throws(() => oneHot(tensor([0]) as unknown as Tensor<"i32">, { classes: 2 }), {
    name: "TypeError",
    message: 'Cannot encode as one-hot: indices must be integers (dtype "i32"), got "f32"; use cast(indices, "i32")',
  });
});

Deno.test("ops refuse numbers and arrays in place of tensors, and say what to write", () => {
  const x = tensor([1, 2]);
  const [number, array] = [3 as unknown as Tensor, [1, 2] as unknown as Tensor];
  const refuses = (op: () => unknown, message: string) => assert.throws(op, { name: "TypeError", message });
  refuses(() => add(x, number), "Cannot add: operands must be tensors, got 3; use tensor(3)");
  refuses(() => multiply(x, number), "Cannot multiply: operands must be tensors, got 3; use tensor(3), or scale(x, 3)");
  refuses(() => divide(x, number), "Cannot divide: operands must be tensors, got 3; use tensor(3), or scale(x, 1 / 3)");
  refuses(() => add(array, x), "Cannot add: operands must be tensors, got an array; use tensor(array)");
  refuses(() => noGrad(() => add(x, array)), "Cannot add: operands must be tensors, got an array; use tensor(array)");
  refuses(
    () => add([x, x] as unknown as Tensor, x),
    "Cannot add: operands must be tensors, got an array of tensors; pass them one by one, or join them with concat() or " +
      "stack()",
  );
  refuses(() => add(x, undefined as unknown as Tensor), "Cannot add: operands must be tensors, got undefined");
  refuses(
    () => add(x, Promise.resolve(x) as unknown as Tensor),
    "Cannot add: operands must be tensors, got an object of class Promise",
  );
  for (const op of [exp, sum, mean, max, softmax, detach, (y: Tensor) => reshape(y, [1]), (y: Tensor) => scale(y, 2)]) {
    assert.throws(() => op(number), /^TypeError: Cannot .*: operands must be tensors, got 3; use tensor\(3\)$/);
    assert.throws(
      () => op(array),
      /^TypeError: Cannot .*: operands must be tensors, got an array; use tensor\(array\)$/,
    );
  }
  assert.throws(() => power(number, x), /Cannot power: operands must be tensors, got 3/);
  assert.throws(() => matmul(x, array), /Cannot multiply matrices: operands must be tensors, got an array/);
  assert.throws(
    () => where(true as unknown as Tensor<"i32">, x, x),
    /Cannot choose: operands must be tensors, got true/,
  );
  assert.throws(
    () => where(x as unknown as Tensor<"i32">, x, x),
    /must hold integers \(dtype "i32"\), got "f32"; make one by comparing, such as greater\(x, tensor\(0\)\)/,
  );
  assert.throws(
    () => scale(x, x as unknown as number),
    /the factor must be a number, got object; use multiply for tensors/,
  );
});

Deno.test("ops along an axis refuse a scalar by name", () => {
  assert.throws(() => softmax(tensor(1)), {
    name: "RangeError",
    message: "Cannot softmax a scalar: the tensor must have at least one axis, got shape []",
  });
  assert.throws(() => argmax(tensor(1)), /Cannot search a scalar: the tensor must have at least one axis/);
});
