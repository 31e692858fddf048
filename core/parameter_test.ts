import {
  full,
  loadParameters,
  memoryStats,
  multiply,
  packParameters,
  Parameter,
  reshape,
  scope,
  sum,
  tensor,
} from "@unfold/core";
import assert from "node:assert/strict";

Deno.test("packing keeps values and gradients, and the parameters write into the slab", () => {
  using _ = scope();
  const a = new Parameter([2, 2], (data) => data.set([1, 2, 3, 4]));
  const b = new Parameter([3], (data) => data.fill(5));
  sum(multiply(a, a)).backward();
  const { slab, segments } = packParameters({ a, b });
  assert.deepEqual([...slab.params], [1, 2, 3, 4, 5, 5, 5]);
  assert.deepEqual([...slab.grads], [2, 4, 6, 8, 0, 0, 0]);
  assert.deepEqual(segments, [{ name: "a", shape: [2, 2], offset: 0 }, { name: "b", shape: [3], offset: 4 }]);
  sum(multiply(b, tensor([1, 2, 3]))).backward();
  assert.deepEqual([...slab.grads.subarray(4)], [1, 2, 3]);
  b.data[0] = 9;
  assert.equal(slab.params[4], 9);
});

Deno.test("packing again in the same order changes nothing; another order makes a new slab", () => {
  const [a, b] = [new Parameter([1]), new Parameter([2])];
  const { slab } = packParameters({ a, b });
  assert.equal(packParameters({ a, b }).slab, slab);
  assert.notEqual(packParameters({ b, a }).slab, slab);
});

Deno.test("packing no parameters is refused; one with two names has one place", () => {
  const a = new Parameter([1]);
  assert.throws(() => packParameters({}), RangeError);
  const { slab, segments } = packParameters({ a, b: new Parameter([2]), tied: a });
  assert.equal(slab.length, 3);
  assert.deepEqual(segments.map(({ name, offset }) => [name, offset]), [["a", 0], ["b", 1]]);
});

Deno.test("loading lists every problem and then changes nothing", () => {
  const [a, b] = [new Parameter([2]), new Parameter([1])];
  const entry = (shape: number[], dtype: "F32" | "I32" = "F32") => ({
    dtype,
    shape,
    data: new Float32Array(shape[0]!).fill(1),
  });
  assert.throws(() => loadParameters({ a, b }, new Map([["a", entry([3])], ["c", entry([1])]])), {
    name: "TypeError",
    message:
      "Cannot load the parameters: a must have shape [2], got [3]; b is missing; c is not a parameter of the model",
  });
  assert.throws(
    () => loadParameters({ b }, new Map([["b", entry([1], "I32")]])),
    /b must be F32, F16, BF16 or F64, got I32/,
  );
  assert.deepEqual([...a.data, ...b.data], [0, 0, 0]);
});

Deno.test("disposing a parameter, its gradient or a view does nothing: the memory belongs to the slab", () => {
  const a = new Parameter([1], (data) => data.fill(4));
  packParameters({ a, b: new Parameter([2]) });
  a.dispose();
  a.grad.dispose();
  reshape(a, [1, 1]).dispose();
  const other = full([4], 123, { persistent: true });
  assert.equal(a.item(), 4);
  other.dispose();
});

Deno.test("a slab without its parameters cannot be read", () => {
  const a = new Parameter([1]);
  const { slab } = a;
  packParameters({ a, b: new Parameter([2]) });
  assert.throws(() => slab.params, { name: "ReferenceError", message: /its parameters have moved to another slab/ });
});

Deno.test("an initializer that makes tensors, which may move the memory, is refused", () => {
  const huge = () => void full([memoryStats().total / 4], 0, { persistent: true }).dispose();
  assert.throws(
    () => new Parameter([3], huge),
    /Cannot initialize a parameter of shape \[3\]: the initializer must not make tensors/,
  );
});
