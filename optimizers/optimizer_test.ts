import { full, memoryStats, multiply, packParameters, Parameter, scope, sum, tensor } from "@unfold/core";
import assert from "node:assert/strict";
import {
  adam,
  addDecayedWeights,
  clipByGlobalNorm,
  ema,
  lookahead,
  Optimizer,
  type OptimizerPlugin,
  Partition,
  partition,
  sgd,
  skipNonFinite,
} from "@unfold/optimizers";

Deno.test("plugins run in order, see the step's number and rate, and the gradients are zero afterwards", () => {
  const seen: unknown[] = [];
  const spy = (name: string): OptimizerPlugin => ({
    name,
    update: ({ params, grads, segments }, info) => {
      seen.push([name, info.step, info.learningRate, params.length, [...grads], segments.map((s) => s.name)]);
      grads.fill(7);
    },
  });
  const [a, b] = [new Parameter([1]), new Parameter([1])];
  const optimizer = new Optimizer({ a, b }, [spy("first"), spy("second")], { learningRate: (step) => step / 10 });
  a.grad.data.fill(1);
  optimizer.step();
  assert.deepEqual(seen, [["first", 1, 0.1, 2, [1, 0], ["a", "b"]], ["second", 1, 0.1, 2, [7, 7], ["a", "b"]]]);
  assert.deepEqual([...a.grad.data, ...b.grad.data], [0, 0]);
  optimizer.step();
  assert.equal(optimizer.learningRate, 0.2);
});

Deno.test("slots are found under views that the plugin took before", () => {
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

Deno.test("a plugin that makes the memory grow under its views is refused", () => {
  const huge: OptimizerPlugin = {
    name: "huge",
    update: () => full([memoryStats().total / 4], 0, { persistent: true }).dispose(),
  };
  const other = new Optimizer({ weight: new Parameter([1]) }, [huge], { learningRate: 1 });
  assert.throws(() => other.step(), /huge must not make the memory grow in update\(\)/);
  assert.equal(other.steps, 0);
});

Deno.test("an optimizer whose parameters were taken over refuses to step", () => {
  const [a, b] = [new Parameter([1]), new Parameter([1])];
  const first = new Optimizer({ a, b }, [sgd()], { learningRate: 1 });
  new Optimizer({ a, b }, [sgd()], { learningRate: 1 });
  first.step();
  new Optimizer({ b }, [sgd()], { learningRate: 1 });
  assert.throws(() => first.step(), { name: "ReferenceError", message: /^Cannot step: b now belongs to an optimizer/ });
});

Deno.test("bad options are refused at construction", () => {
  const weight = new Parameter([1]);
  const make = (plugins: readonly unknown[], options: object = {}) => () =>
    new Optimizer({ weight }, plugins as OptimizerPlugin[], { learningRate: 1, ...options });
  const kind = (message: string) => ({ name: "TypeError", message: `Cannot make an Optimizer: ${message}` });
  assert.throws(make([]), kind("there must be at least one plugin, got none"));
  assert.throws(make([adam(), adam()]), kind('plugins must differ in name, got "adam" twice'));
  assert.throws(
    make([adam]),
    kind("plugins[0] must be a plugin, with a name and update(), got the function adam, which may have to be called"),
  );
  assert.throws(make([sgd(), null]), kind("plugins[1] must be a plugin, with a name and update(), got null"));
  assert.throws(
    make([{ name: "a.b", update() {} }]),
    kind('plugins[0] must have a name without "." and "/", got "a.b"'),
  );
  assert.throws(
    make([{ biases: sgd() }]),
    kind("plugins[0] must be a plugin, or name groups (there are none), got biases"),
  );
  assert.throws(make([{}]), kind("plugins[0] must be a plugin, or name groups, got an object without any"));
  for (const name of [1, "a/b", ""]) {
    assert.throws(make([{ name, update() {} }]), /must have a name without "." and "\/"/);
  }
  const late = kind("plugins[1] must be the first and act on all parameters, for it drops whole steps");
  assert.throws(make([sgd(), skipNonFinite()]), late);
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

Deno.test("clipping leaves small gradients alone", () => {
  const weight = new Parameter([2]);
  weight.grad.data.set([3, 4]);
  new Optimizer({ weight }, [clipByGlobalNorm(5.001), sgd()], { learningRate: 1 }).step();
  assert.deepEqual(weight.toArray(), [-3, -4]);
});

Deno.test("10,000 steps hold memory constant", () => {
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

Deno.test("six slots fit whatever the size of the parameters", () => {
  const six: OptimizerPlugin = { name: "six", update: ({ slot }) => void ["a", "b", "c", "d", "e", "f"].forEach(slot) };
  for (let i = 0; i < 50; i++) new Optimizer({ weight: new Parameter([1]) }, [six], { learningRate: 1 }).step();
});

/** A parameter of each group, both of them 1, with gradients of 1. */
function groups() {
  const ones = (data: Float32Array) => data.fill(1);
  const parameters = {
    "0.bias": new Parameter([2], ones),
    "0.weight": new Parameter([2, 2], ones),
    "1.bias": new Parameter([1], ones),
  };
  const made = partition(parameters, (name) => name.endsWith("bias") ? "biases" : "weights");
  const fill = () => Object.values(parameters).forEach(({ grad }) => grad.data.fill(1));
  const values = () => Object.values(parameters).map(({ data }) => [...data]);
  return { parameters, made, fill, values };
}

Deno.test("plugins act on the group that they are named for, the others on all", () => {
  const { made, fill, values } = groups();
  assert.deepEqual(Object.keys(made.groups.biases), ["0.bias", "1.bias"]);
  const plugins = [clipByGlobalNorm(Math.sqrt(7) / 2), { weights: addDecayedWeights(1) }, {
    weights: sgd(),
    biases: sgd(),
  }];
  const optimizer = new Optimizer(made, plugins, { learningRate: 0.5 });
  fill();
  optimizer.step();
  const [bias, weight, other] = values();
  assert.ok([...bias!, ...other!].every((value) => Math.abs(value - 0.75) < 1e-6));
  assert.ok(weight!.every((value) => Math.abs(value - 0.25) < 1e-6));
});

Deno.test("a group that no plugin is named for is left alone; its gradients are zeroed", () => {
  const { parameters, made, fill, values } = groups();
  const optimizer = new Optimizer(made, [{ weights: sgd() }], { learningRate: 1 });
  fill();
  optimizer.step();
  assert.deepEqual(values(), [[1, 1], [0, 0, 0, 0], [1]]);
  assert.deepEqual([...parameters["1.bias"].grad.data], [0]);
});

Deno.test("a group that there is not is refused, as are names that groups cannot hold apart", () => {
  const { made } = groups();
  assert.throws(() => new Optimizer(made, [{ heads: sgd() } as never], { learningRate: 1 }), {
    name: "TypeError",
    message: "Cannot make an Optimizer: plugins[0] must be a plugin, or name groups (biases, weights), got heads",
  });
  assert.throws(() => new Optimizer(made, [sgd(), { biases: sgd() }], { learningRate: 1 }), /got "sgd" twice/);
  const a = { x: new Parameter([1]) };
  const numbered = { 1: new Parameter([1]) };
  for (const bad of [{ a, b: a }, { a, b: numbered }]) {
    assert.throws(() => new Partition(bad), /names must differ and be no whole numbers, got/);
  }
});

Deno.test("gradients of k backward passes make one step of their mean", () => {
  const weight = new Parameter([2]);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: 1, accumulate: 4 });
  for (const gradient of [1, 2, 3, 6]) {
    assert.deepEqual([weight.data[0], optimizer.steps], [0, 0]);
    // As backward() does, which adds to what is there.
    weight.grad.data.forEach((value, i, all) => all[i] = value + gradient);
    optimizer.step();
  }
  assert.deepEqual([[...weight.data], [...weight.grad.data], optimizer.steps], [[-3, -3], [0, 0], 1]);
});

Deno.test("the learning rate's scale multiplies the schedule's rate", () => {
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

Deno.test("a step whose gradients are not finite is dropped and counted, but not for ever", () => {
  const weight = new Parameter([3]);
  const optimizer = new Optimizer({ weight }, [skipNonFinite({ most: 2 }), adam()], { learningRate: 0.1 });
  assert.ok(optimizer.skipsNonFinite);
  const step = (value: number) => {
    weight.grad.data.set([1, value, 1]);
    optimizer.step();
  };
  step(2);
  const before = [...weight.data];
  step(NaN);
  step(Infinity);
  assert.deepEqual([...weight.data], before);
  assert.deepEqual([...weight.grad.data], [0, 0, 0]);
  assert.deepEqual([optimizer.steps, optimizer.skippedSteps], [1, 2]);
  assert.throws(() => step(-Infinity), {
    name: "RangeError",
    message: /^Cannot take step 2: gradients must be finite at least once in 3 steps, and were not/,
  });
  step(3e38);
  step(NaN);
  assert.deepEqual([optimizer.steps, optimizer.skippedSteps], [2, 3]);
});

Deno.test("lookahead goes back part of the way after every k steps", () => {
  const weight = new Parameter([1], (data) => data.fill(10));
  const optimizer = new Optimizer({ weight }, [lookahead(sgd(), { every: 3, alpha: 0.25 })], { learningRate: 1 });
  const seen = Array.from({ length: 6 }, () => {
    weight.grad.data.fill(-4);
    optimizer.step();
    return weight.item();
  });
  assert.deepEqual(seen, [14, 18, 13, 17, 21, 16]);
});

Deno.test("averages stand in for the parameters and go back; meanwhile nothing else may be done", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd(), ema({ decay: 0.75 })], { learningRate: 1 });
  assert.throws(() => optimizer.swap("ema", "average"), {
    name: "ReferenceError",
    message: "Cannot swap: there must be a slot average of a plugin ema, which a first step makes",
  });
  for (let i = 0; i < 3; i++) {
    weight.grad.data.fill(-4);
    optimizer.step();
  }
  const swapped = optimizer.swap("ema", "average");
  assert.equal(weight.item(), 6.75);
  for (const forbidden of [() => optimizer.step(), () => optimizer.state(), () => optimizer.swap("ema", "average")]) {
    assert.throws(forbidden, { name: "ReferenceError", message: /the parameters stand aside for ema.average/ });
  }
  swapped[Symbol.dispose]();
  swapped[Symbol.dispose]();
  assert.equal(weight.item(), 12);
  optimizer.step();
});

Deno.test("a transform for one group does not see the others", () => {
  const { made, fill, values } = groups();
  const optimizer = new Optimizer(made, [{ biases: clipByGlobalNorm(3 ** 0.5 / 2) }, sgd()], { learningRate: 1 });
  fill();
  optimizer.step();
  const [bias, weight, other] = values();
  assert.deepEqual(weight, [0, 0, 0, 0]);
  assert.ok([...bias!, ...other!].every((value) => Math.abs(value - 0.5) < 1e-6));
  assert.throws(() => new Optimizer(made, [{ biases: skipNonFinite() }, sgd()], { learningRate: 1 }), {
    message:
      "Cannot make an Optimizer: plugins[0] must be the first and act on all parameters, for it drops whole steps",
  });
  assert.throws(() => new Partition({ a: {}, b: { x: new Parameter([1]) } }), {
    message: "Cannot make a Partition: groups must have parameters, a has none",
  });
});

Deno.test("a step that was dropped does not count for the schedule", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [skipNonFinite(), sgd()], { learningRate: (step) => step });
  assert.equal(optimizer.learningRate, 1);
  for (const gradient of [NaN, 1, NaN, 1]) {
    weight.grad.data.fill(gradient);
    optimizer.step();
  }
  assert.deepEqual([weight.item(), optimizer.learningRate], [-3, 2]);
});

Deno.test("lookahead: a step that its rule drops is none, and what is no rule is refused", () => {
  const weight = new Parameter([1], (data) => data.fill(4));
  const lazy: OptimizerPlugin = {
    name: "lazy",
    update: ({ params }, { skip }) => void (params[0]! > 4 ? skip() : params[0]! += 1),
  };
  const optimizer = new Optimizer({ weight }, [lookahead(lazy, { every: 1, alpha: 1 })], { learningRate: 1 });
  optimizer.step();
  optimizer.step();
  assert.deepEqual([weight.item(), optimizer.steps, optimizer.skippedSteps], [5, 1, 1]);
  assert.throws(() => lookahead(sgd as never), {
    name: "TypeError",
    message: "Cannot make lookahead: its rule must be a plugin, such as adam(), got function",
  });
  assert.ok(lookahead(skipNonFinite()).skipsNonFinite);
});

Deno.test("a swap that is over does not end a later one", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd(), ema({ decay: 0.5 })], { learningRate: 1 });
  for (let i = 0; i < 2; i++) {
    weight.grad.data.fill(-1);
    optimizer.step();
  }
  const first = optimizer.swap("ema", "average");
  first[Symbol.dispose]();
  using _ = optimizer.swap("ema", "average");
  first[Symbol.dispose]();
  assert.equal(weight.item(), 1.5);
});

Deno.test("zeroGrad lets go of gradients and of the passes of a step that is not yet whole", () => {
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
