import { full, memoryStats, multiply, packParameters, Parameter, scope, sum, tensor } from "@unfold/core";
import { adam, clipByGlobalNorm, ema, Optimizer, type OptimizerPlugin, sgd, skipNonFinite } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { assertThrowsPrintable, HOSTILE } from "../tools/testing.ts";

Deno.test("plugins run in order with the step and rate, and the gradients are zero afterwards", () => {
  const seen: unknown[] = [];
  const spy = (name: string, runs?: "before" | "after"): OptimizerPlugin => ({
    name,
    ...runs && { runs },
    update: ({ params, grads, segments }, info) => {
      seen.push([name, info.step, info.learningRate, params.length, [...grads], segments.map((s) => s.name)]);
      grads.fill(7);
    },
  });
  const [a, b] = [new Parameter([1]), new Parameter([1])];
  const optimizer = new Optimizer({ a, b }, [spy("first", "before"), spy("rule"), spy("last", "after")], {
    learningRate: (step) => step / 10,
  });
  a.grad.data.fill(1);
  optimizer.step();
  assert.deepEqual(seen, [
    ["first", 1, 0.1, 2, [1, 0], ["a", "b"]],
    ["rule", 1, 0.1, 2, [7, 7], ["a", "b"]],
    ["last", 1, 0.1, 2, [7, 7], ["a", "b"]],
  ]);
  assert.deepEqual([...a.grad.data, ...b.grad.data], [0, 0]);
  optimizer.step();
  assert.equal(optimizer.learningRate, 0.2);
});

Deno.test("requesting slots keeps the plugin's arrays valid", () => {
  const weight = new Parameter([100_000]);
  const lazy: OptimizerPlugin = {
    name: "lazy",
    update({ params, grads, slot }) {
      const slots = ["a", "b", "c", "d", "e"].map(slot);
      assert.ok(params.length === 100_000 && grads.length === 100_000);
      assert.ok(slots.every((array) => array.length === 100_000));
    },
  };
  new Optimizer({ weight }, [lazy], { learningRate: 1 }).step();
});

Deno.test("a plugin that grows the memory in update() is refused", () => {
  const huge: OptimizerPlugin = {
    name: "huge",
    update: () => full([memoryStats().total / 4], 0, { persistent: true }).dispose(),
  };
  const other = new Optimizer({ weight: new Parameter([1]) }, [huge], { learningRate: 1 });
  assert.throws(() => other.step(), /huge must not grow the memory in update\(\)/);
  assert.equal(other.steps, 0);
});

Deno.test("a second optimizer over the same parameters is refused, and changes nothing", () => {
  const [a, b] = [new Parameter([1]), new Parameter([1])];
  const first = new Optimizer({ a, b }, [sgd()], { learningRate: 1 });
  a.grad.data.fill(1);
  assert.throws(() => new Optimizer({ head: b }, [sgd()], { learningRate: 1 }), {
    name: "ReferenceError",
    message:
      "Cannot make an Optimizer: head must belong to one optimizer, but an earlier one has it; dispose() that one " +
      "first, or replace it with { takeOver: true }",
  });
  first.step();
  assert.equal(a.item(), -1);
});

Deno.test("with takeOver, the earlier optimizer refuses to step", () => {
  const [a, b] = [new Parameter([1]), new Parameter([1])];
  const first = new Optimizer({ a, b }, [sgd()], { learningRate: 1 });
  const second = new Optimizer({ b }, [sgd()], { learningRate: 1, takeOver: true });
  assert.throws(() => first.step(), {
    name: "ReferenceError",
    message: "Cannot step: the optimizer must own its parameters, but a later optimizer took over its parameters",
  });
  b.grad.data.fill(1);
  second.step();
  assert.equal(b.item(), -1);
  // Nobody owns a any more.
  new Optimizer({ a }, [sgd()], { learningRate: 1 });
});

Deno.test("dispose lets go of the parameters and frees the state", () => {
  const weight = new Parameter([1000]);
  const before = memoryStats();
  {
    using first = new Optimizer({ weight }, [adam(), ema()], { learningRate: 1 });
    first.step();
    first.swap("ema", "average");
    first.dispose();
    for (const use of [() => first.step(), () => first.state(), () => first.swap("ema", "average")]) {
      assert.throws(use, { name: "ReferenceError", message: /must own its parameters, but it was disposed$/ });
    }
  }
  assert.deepEqual(memoryStats(), before);
  new Optimizer({ weight }, [sgd()], { learningRate: 1 }).step();
});

Deno.test("an optimizer refuses to step after its parameters moved", () => {
  const [a, b] = [new Parameter([1]), new Parameter([1])];
  const optimizer = new Optimizer({ a, b }, [sgd()], { learningRate: 1 });
  packParameters({ b });
  assert.throws(() => optimizer.step(), {
    name: "ReferenceError",
    message: /^Cannot step: b must stay where the optimizer packed it, but packParameters\(\) moved it/,
  });
});

Deno.test("gradients from before the optimizer do not enter its first step", () => {
  const weight = new Parameter([1]);
  weight.grad.data.fill(100);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: 1 });
  assert.equal(weight.grad.item(), 0);
  weight.grad.data[0]! += 1;
  optimizer.step();
  assert.equal(weight.item(), -1);
});

Deno.test("gradients of a step that failed do not enter the next one", () => {
  const weight = new Parameter([1]);
  let fails = true;
  const failing: OptimizerPlugin = {
    name: "failing",
    runs: "before",
    update() {
      if (fails) throw new Error("on purpose");
    },
  };
  const optimizer = new Optimizer({ weight }, [failing, sgd()], { learningRate: 1 });
  weight.grad.data[0]! += 100;
  assert.throws(() => optimizer.step(), /on purpose/);
  fails = false;
  weight.grad.data[0]! += 1;
  optimizer.step();
  assert.deepEqual([weight.item(), optimizer.steps], [-1, 1]);
});

Deno.test("a model, a plugin alone and other wrong kinds are refused with what to pass", () => {
  const weight = new Parameter([1]);
  const model = { weight, parameters: () => ({ weight }) };
  const make = (parameters: unknown, plugins: unknown, options: unknown = { learningRate: 1 }) => () =>
    new Optimizer(parameters as never, plugins as never, options as never);
  const kind = (message: string) => ({ name: "TypeError", message: `Cannot make an Optimizer: ${message}` });
  const wanted = "parameters must be Parameters by name, as model.parameters() returns them, got";
  assert.throws(make(model, [sgd()]), kind(`${wanted} a model (an object); pass its parameters()`));
  assert.throws(make([weight], [sgd()]), kind(`${wanted} an array of length 1`));
  assert.throws(make({ weight: 3 }, [sgd()]), kind(`${wanted} 3 under the name weight`));
  assert.throws(make(undefined, [sgd()]), kind(`${wanted} undefined`));
  assert.throws(
    make({ weight }, sgd()),
    kind("plugins must be an array, got the plugin sgd alone; write [sgd()]"),
  );
  assert.throws(make({ weight }, "adam"), kind('plugins must be an array, got "adam"'));
  assert.throws(
    make({ weight }, [[sgd()]]),
    kind("plugins[0] must be a plugin, or plugins by group, got an array; list its plugins one by one"),
  );
  assert.throws(make({ weight }, [sgd()], null), kind("options must be { learningRate }, got null"));
  assert.throws(make({ weight }, [sgd()], 0.1), kind("options must be { learningRate }, got 0.1"));
});

Deno.test("no rule, two rules and a plugin on the wrong side of the rule are refused", () => {
  const weight = new Parameter([1]);
  const make = (...plugins: OptimizerPlugin[]) => () => new Optimizer({ weight }, plugins, { learningRate: 1 });
  const kind = (message: string) => ({ name: "TypeError", message: `Cannot make an Optimizer: ${message}` });
  assert.throws(
    make(clipByGlobalNorm(1), ema()),
    kind("plugins must have a rule, such as adam(), got only clipByGlobalNorm, ema; add one after them"),
  );
  assert.throws(make(adam(), sgd()), {
    name: "TypeError",
    message:
      /^Cannot make an Optimizer: there must be one rule, got adam and sgd; remove one, or give each its own group/,
  });
  assert.throws(
    make(adam(), clipByGlobalNorm(1)),
    kind("clipByGlobalNorm changes the gradients, so it must come before the rule adam, got it after; move it"),
  );
  assert.throws(
    make(ema(), adam()),
    kind("ema runs on the new parameters, so it must come after the rule adam, got it before; move it"),
  );
  assert.throws(
    make({ ...ema(), runs: "later" as never }, adam()),
    kind('plugins[0].runs must be "before", "after" or undefined for a rule, got "later"'),
  );
  // What was refused belongs to no optimizer.
  make(adam())();
});

Deno.test("a parameter with several names gets one step", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ "embedding.weight": weight, "output.weight": weight }, [sgd()], {
    learningRate: 1,
  });
  weight.grad.data.fill(1);
  optimizer.step();
  assert.equal(weight.item(), -1);
  assert.equal(optimizer.slab.length, 1);
});

Deno.test("bad options are refused at construction", () => {
  const weight = new Parameter([1]);
  const make = (plugins: readonly unknown[], options: object = {}) => () =>
    new Optimizer({ weight }, plugins as OptimizerPlugin[], { learningRate: 1, ...options });
  const kind = (message: string) => ({ name: "TypeError", message: `Cannot make an Optimizer: ${message}` });
  assert.throws(make([]), kind("there must be at least one plugin, got none"));
  assert.throws(
    make([clipByGlobalNorm(1), clipByGlobalNorm(2), adam()]),
    kind('plugins must have different names, got "clipByGlobalNorm" twice'),
  );
  assert.throws(
    make([adam]),
    kind("plugins[0] must be a plugin, with a name and update(), got the function adam; perhaps call it"),
  );
  assert.throws(make([sgd(), null]), kind("plugins[1] must be a plugin, with a name and update(), got null"));
  assert.throws(
    make([{ name: "a.b", update() {} }]),
    kind('plugins[0] must have a name without "." and "/", got "a.b"'),
  );
  assert.throws(
    make([{ biases: sgd() }]),
    kind("plugins[0] must be a plugin, or plugins by group (there are none), got biases"),
  );
  assert.throws(make([{}]), kind("plugins[0] must be a plugin, or plugins by group, got an empty object"));
  for (const name of [1, "a/b", ""]) {
    assert.throws(make([{ name, update() {} }]), /must have a name without "." and "\/"/);
  }
  const late = kind("plugins[1] drops whole steps, so it must be first and act on all parameters");
  assert.throws(make([clipByGlobalNorm(1), skipNonFinite(), sgd()]), late);
  for (const learningRate of [NaN, -1, Infinity, null, "0.1", true]) {
    assert.throws(make([sgd()], { learningRate }), /finite number of 0 or more, got/);
  }
  for (const accumulate of [0, 1.5]) {
    assert.throws(make([sgd()], { accumulate }), {
      name: "RangeError",
      message: `Cannot make an Optimizer: accumulate must be an integer of 1 or more, got ${accumulate}`,
    });
  }
});

Deno.test("10,000 steps use constant memory", () => {
  const weight = new Parameter([50]);
  packParameters({ weight });
  const optimizer = new Optimizer({ weight }, [clipByGlobalNorm(1), adam()], { learningRate: 1e-3 });
  const target = tensor(new Float32Array(50).fill(1));
  const step = () => {
    using _ = scope();
    sum(multiply(weight, target)).backward();
    optimizer.step();
  };
  for (let i = 0; i < 100; i++) step();
  const before = memoryStats();
  for (let i = 0; i < 10_000; i++) step();
  assert.deepEqual(memoryStats(), before);
});

Deno.test("six slots fit for parameters of any size", () => {
  const six: OptimizerPlugin = { name: "six", update: ({ slot }) => void ["a", "b", "c", "d", "e", "f"].forEach(slot) };
  for (let i = 0; i < 50; i++) new Optimizer({ weight: new Parameter([1]) }, [six], { learningRate: 1 }).step();
});

Deno.test("with accumulate: k, a step uses the mean of k gradients", () => {
  const weight = new Parameter([2]);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: 1, accumulate: 4 });
  for (const gradient of [1, 2, 3, 6]) {
    assert.deepEqual([weight.data[0], optimizer.steps], [0, 0]);
    // Adds, as backward() does.
    weight.grad.data.forEach((value, i, all) => all[i] = value + gradient);
    optimizer.step();
  }
  assert.deepEqual([[...weight.data], [...weight.grad.data], optimizer.steps], [[-3, -3], [0, 0], 1]);
});

Deno.test("learningRateScale multiplies the schedule's rate", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: (step) => step });
  optimizer.learningRateScale = 0.5;
  weight.grad.data.fill(1);
  optimizer.step();
  assert.deepEqual([weight.item(), optimizer.learningRate], [-0.5, 0.5]);
  for (const scale of [NaN, -1, Infinity]) {
    assert.throws(() => optimizer.learningRateScale = scale, {
      name: "RangeError",
      message: `Cannot scale the learning rate: learningRateScale must be a finite number of 0 or more, got ${scale}`,
    });
  }
});

Deno.test("zeroGrad drops gradients and accumulated backward passes", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: 1, accumulate: 2 });
  weight.grad.data.fill(100);
  optimizer.step();
  optimizer.zeroGrad();
  for (let i = 0; i < 2; i++) {
    weight.grad.data[0]! += 1;
    optimizer.step();
  }
  assert.deepEqual([weight.item(), optimizer.steps], [-1, 1]);
});

Deno.test("no name of a saved state reaches a message with control characters or at any length", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd({ momentum: 0.9 })], { learningRate: 1 });
  optimizer.step();
  const state = optimizer.state();
  const value = { shape: [1], data: Float32Array.of(1) };
  assertThrowsPrintable(() => optimizer.load(new Map([...state, [HOSTILE, value]])));
  const deep = { shape: Array(1e5).fill(1), data: Float32Array.of(1) };
  assertThrowsPrintable(() => optimizer.load(new Map([...state, ["sgd.velocity/weight", deep]])));
  const strays = Array.from({ length: 1000 }, (_, i) => [`stray ${i}`, value] as const);
  assert.throws(() => optimizer.load(new Map([...state, ...strays])), /; and 980 more$/);
});
