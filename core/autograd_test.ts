import {
  add,
  concat,
  defineOp,
  isGradEnabled,
  loadParameters,
  multiply,
  noGrad,
  packParameters,
  Parameter,
  scale,
  scope,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "@unfold/core";
import assert from "node:assert/strict";

Deno.test("a value used twice gets the sum of both gradients", () => {
  using _ = scope();
  const x = tensor([1, 2], { requiresGrad: true });
  const y = scale(x, 3);
  sum(add(multiply(y, y), y)).backward();
  // d/dx (9x² + 3x) = 18x + 3
  assert.deepEqual(x.grad!.toArray(), [21, 39]);
});

Deno.test("gradients of several backward passes add up, for leaves and parameters", () => {
  using _ = scope();
  const x = tensor([1], { requiresGrad: true });
  const p = new Parameter([1]);
  for (let pass = 0; pass < 2; pass++) sum(multiply(x, add(p, x))).backward();
  assert.deepEqual([x.grad!.item(), p.grad.item()], [4, 2]);
  x.zeroGrad();
  p.zeroGrad();
  assert.deepEqual([x.grad, p.grad.item()], [undefined, 0]);
});

Deno.test("backward from a non-scalar takes a gradient", () => {
  using _ = scope();
  const x = tensor([1, 2], { requiresGrad: true });
  scale(x, 2).backward(tensor([10, 100]));
  assert.deepEqual(x.grad!.toArray(), [20, 200]);
});

Deno.test("a deep tape does not overflow the stack", () => {
  using _ = scope();
  const x = tensor(1, { requiresGrad: true });
  let y: Tensor = x;
  for (let i = 0; i < 50_000; i++) y = scale(y, 1);
  y.backward();
  assert.equal(x.grad!.item(), 1);
});

Deno.test("backward reports a missing gradient, a missing parameter and a released tape", () => {
  using _ = scope();
  const x = tensor([1, 2], { requiresGrad: true });
  assert.throws(() => scale(x, 2).backward(), {
    name: "TypeError",
    message: "Cannot run backward from a tensor of shape [2]: pass a gradient of that shape, or start from a scalar",
  });
  assert.throws(() => scale(x, 2).backward(tensor([1])), {
    message: "Cannot run backward: the gradient must have shape [2], got [1]",
  });
  assert.throws(() => tensor([1]).backward(), /must be computed from a parameter, outside noGrad\(\)/);
  assert.throws(() => noGrad(() => sum(x)).backward(), /outside noGrad/);
  const y = tanh(x);
  const loss = sum(y);
  loss.backward();
  assert.throws(() => loss.backward(), {
    name: "ReferenceError",
    message: "Cannot run backward through sum: an earlier backward() released the tape; compute the value again",
  });
  assert.throws(() => sum(y).backward(), /through tanh: an earlier backward\(\) released the tape/);
});

Deno.test("an op with several outputs gets a gradient for each, zeros for the unused ones", () => {
  using _ = scope();
  const seen: unknown[] = [];
  const both = defineOp("both", (x: Tensor) => ({
    inputs: [x],
    output: [scale(x, 2), scale(x, 3)] as const,
    backward: (first, second) => {
      seen.push(first.toArray(), second.toArray());
      return [add(scale(first, 2), scale(second, 3))];
    },
  }));
  const x = tensor([1, 1], { requiresGrad: true });
  sum(both(x)[1]).backward();
  assert.deepEqual(seen, [[0, 0], [1, 1]]);
  assert.deepEqual(x.grad!.toArray(), [3, 3]);
});

Deno.test("a gradient of the wrong shape is reported with the op's name", () => {
  using _ = scope();
  const wrong = defineOp("wrong", (x: Tensor) => ({ inputs: [x], output: sum(x), backward: (dy) => [dy] }));
  assert.throws(() => wrong(tensor([1, 2], { requiresGrad: true })).backward(), {
    message: "Cannot run backward through wrong: the gradient of input 0 must have shape [2], got []",
  });
});

Deno.test("a tensor without requiresGrad gets no gradient", () => {
  using _ = scope();
  const [x, y] = [tensor([1], { requiresGrad: true }), tensor([2])];
  sum(multiply(x, y)).backward();
  assert.equal(y.grad, undefined);
});

Deno.test("a list of inputs may change before the backward pass; an op must not return its input", () => {
  using _ = scope();
  const x = tensor([1, 2], { requiresGrad: true });
  const list = [x, x];
  const y = sum(concat(list));
  list.length = 0;
  y.backward();
  assert.deepEqual(x.grad!.toArray(), [2, 2]);
  const same = defineOp("same", (x: Tensor) => ({ inputs: [x], output: x, backward: (dy) => [dy] }));
  assert.throws(() => same(x), {
    message: "Cannot record same: its output must be a new tensor, got one of its inputs",
  });
});

Deno.test("two tensors with the same gradient do not share its memory", () => {
  using _ = scope();
  const [a, b] = [tensor([1], { requiresGrad: true }), tensor([2], { requiresGrad: true })];
  sum(add(a, b)).backward();
  a.grad!.data[0] = 9;
  assert.equal(b.grad!.item(), 1);
});

Deno.test("the gradient of a leaf made outside the scope outlives the scope and adds up over scopes", () => {
  const x = tensor([1, 2], { requiresGrad: true });
  for (let step = 0; step < 3; step++) {
    using _ = scope();
    sum(multiply(x, x)).backward();
  }
  assert.deepEqual(x.grad!.toArray(), [6, 12]);
});

Deno.test("a failed backward leaves no gradients for a later one", () => {
  using _ = scope();
  const x = tensor([1], { requiresGrad: true });
  const h = scale(x, 1);
  const failing = defineOp("failing", (x: Tensor) => ({
    inputs: [x],
    output: scale(x, 5),
    backward: () => {
      throw new Error("on purpose");
    },
  }));
  assert.throws(() => add(failing(scale(h, 1)), h).backward(), /on purpose/);
  assert.throws(() => sum(h).backward(), ReferenceError);
  sum(scale(x, 1)).backward();
  assert.equal(x.grad!.item(), 1);
});

Deno.test("too few gradients and integer inputs are reported with the op's name", () => {
  using _ = scope();
  const [a, b] = [tensor([1], { requiresGrad: true }), tensor([2], { requiresGrad: true })];
  const short = defineOp(
    "short",
    (a: Tensor, b: Tensor) => ({ inputs: [a, b], output: add(a, b), backward: (dy) => [dy] }),
  );
  assert.throws(() => short(a, b).backward(), {
    message: "Cannot run backward through short: it must return a gradient for each of 2 inputs, got 1",
  });
  const tokens = tensor([1], { dtype: "i32" }) as unknown as Tensor;
  assert.throws(() => add(a, tokens), {
    message: 'Cannot add: inputs must hold floats (dtype "f32"), got "i32" of shape [1]',
  });
});

Deno.test("a parameter that changes between forward and backward is reported", () => {
  const changes: Record<string, (weight: Parameter) => void> = {
    "written in its slab": ({ slab }) => slab.markWritten(),
    "written, then packed with others": (weight) => {
      weight.slab.markWritten();
      packParameters({ other: new Parameter([3]), weight });
    },
    loaded: (weight) =>
      void loadParameters({ weight }, new Map([["weight", { shape: [1], data: Float32Array.of(5) }]])),
  };
  for (const [how, change] of Object.entries(changes)) {
    using _ = scope();
    const weight = new Parameter([1], (data) => data.fill(2));
    packParameters({ weight });
    const loss = sum(multiply(weight, weight));
    change(weight);
    assert.throws(() => loss.backward(), {
      name: "ReferenceError",
      message:
        "Cannot run backward through multiply: weight of shape [1] must not change between forward and backward, but " +
        "was written; step, load and swap after backward(), or compute the value again",
    }, how);
    assert.equal(weight.grad.item(), 0, how);
    sum(multiply(weight, weight)).backward();
    assert.equal(weight.grad.item(), 2 * weight.item(), how);
  }
});

Deno.test("writes to other parameters, and packing, do not concern a backward pass", () => {
  using _ = scope();
  const [weight, other] = [new Parameter([1], (data) => data.fill(2)), new Parameter([1])];
  other.slab.markWritten();
  const loss = sum(multiply(weight, weight));
  packParameters({ another: new Parameter([1]), weight });
  other.slab.markWritten();
  loss.backward();
  assert.equal(weight.grad.item(), 4);
});

Deno.test("noGrad refuses asynchronous functions and generators, and switches the tape on again", () => {
  const refused = (returns: string) => ({
    name: "TypeError",
    message: "Cannot switch off the tape: the function must not be asynchronous or a generator, got one that returns " +
      `${returns}; await first, and pass a function that only computes`,
  });
  assert.throws(() => noGrad(async () => await 1), refused("a promise"));
  assert.throws(() => noGrad(() => Promise.reject(new Error("later"))), refused("a promise"));
  assert.throws(
    () =>
      noGrad(function* () {
        yield 1;
      }),
    refused("a generator"),
  );
  assert.ok(isGradEnabled());
  // An object with a method next() is no generator.
  const forecaster = { next: () => 1 };
  assert.equal(noGrad(() => forecaster), forecaster);
});
