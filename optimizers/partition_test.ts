import { Parameter } from "@unfold/core";
import {
  adam,
  adamW,
  addDecayedWeights,
  clipByGlobalNorm,
  ema,
  Optimizer,
  Partition,
  partition,
  type PluginEntry,
  scaled,
  sgd,
  skipNonFinite,
} from "@unfold/optimizers";
import assert from "node:assert/strict";

/** Two groups of parameters that are all 1, with gradients of 1. */
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

Deno.test("plugins act on their group, or on all parameters", () => {
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

Deno.test("a group without a plugin does not change, and its gradients are zeroed", () => {
  const { parameters, made, fill, values } = groups();
  const optimizer = new Optimizer(made, [{ weights: sgd() }], { learningRate: 1 });
  fill();
  optimizer.step();
  assert.deepEqual(values(), [[1, 1], [0, 0, 0, 0], [1]]);
  assert.deepEqual([...parameters["1.bias"].grad.data], [0]);
});

Deno.test("unknown groups and ambiguous names are refused", () => {
  const { made } = groups();
  assert.throws(() => new Optimizer(made, [{ heads: sgd() } as never], { learningRate: 1 }), {
    name: "TypeError",
    message: "Cannot make an Optimizer: plugins[0] must be a plugin, or plugins by group (biases, weights), got heads",
  });
  assert.throws(() => new Optimizer(made, [sgd(), { biases: adam() }], { learningRate: 1 }), {
    name: "TypeError",
    message: /there must be one rule for group biases, got sgd and adam; remove one/,
  });
  const clips = [clipByGlobalNorm(1), { biases: clipByGlobalNorm(1) }, sgd()];
  assert.throws(() => new Optimizer(made, clips, { learningRate: 1 }), /got "clipByGlobalNorm" twice/);
  const a = { x: new Parameter([1]) };
  const numbered = { 1: new Parameter([1]) };
  for (const bad of [{ a, b: a }, { a, b: numbered }]) {
    assert.throws(() => new Partition(bad), /names must differ and must not be whole numbers, got/);
  }
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
    message: "Cannot make an Optimizer: plugins[0] drops whole steps, so it must be first and act on all parameters",
  });
  assert.throws(() => new Partition({ a: {}, b: { x: new Parameter([1]) } }), {
    message: "Cannot make a Partition: every group must have parameters, a has none",
  });
});

Deno.test("frozen groups do not count for clipping, and transforms of all gradients leave them alone", () => {
  // The trained gradient has norm 0.5, below the bound; with the frozen ones it would be 1000.
  for (const plugins of [[clipByGlobalNorm(1), { weights: sgd() }], [clipByGlobalNorm(1), sgd()]]) {
    const { made, parameters, values } = groups();
    const optimizer = new Optimizer(made, plugins, { learningRate: 1 });
    optimizer.freeze("biases");
    parameters["0.weight"].grad.data.fill(0.25);
    parameters["1.bias"].grad.data.fill(1000);
    assert.equal(optimizer.gradientNorm, 0.5);
    optimizer.step();
    assert.deepEqual(values(), [[1, 1], [0.75, 0.75, 0.75, 0.75], [1]]);
  }
});

Deno.test("a frozen group with gradients that are not finite does not drop the step", () => {
  const { made, parameters, values } = groups();
  const optimizer = new Optimizer(made, [skipNonFinite(), { weights: sgd() }], { learningRate: 1 });
  parameters["0.weight"].grad.data.fill(1);
  parameters["0.bias"].grad.data.fill(NaN);
  optimizer.step();
  assert.deepEqual([optimizer.steps, optimizer.skippedSteps], [1, 0]);
  assert.deepEqual(values(), [[1, 1], [0, 0, 0, 0], [1]]);
});

Deno.test("freezing keeps parameters and slots as they are; unfreezing continues from them", () => {
  const train = (freezes: boolean) => {
    const { made, fill, values } = groups();
    const plugins = [addDecayedWeights(0.5), { weights: adam(), biases: adamW({ weightDecay: 0.5 }) }, ema()];
    const optimizer = new Optimizer(made, plugins, { learningRate: 0.125 });
    const step = () => {
      fill();
      optimizer.step();
    };
    step();
    const biases = () =>
      [...optimizer.state()].filter(([name]) => name.includes(".bias")).map(([name, { data }]) => [name, ...data]);
    if (freezes) {
      optimizer.freeze("biases");
      const [bias, weight, other] = values();
      const slots = biases();
      assert.equal(slots.length, 6);
      for (let i = 0; i < 3; i++) step();
      assert.deepEqual([values()[0], values()[2], biases()], [bias, other, slots]);
      assert.notDeepEqual(values()[1], weight);
      optimizer.unfreeze("biases");
    }
    step();
    return [values()[0], values()[2], biases()];
  };
  // As if the frozen steps had not been: Adam's bias correction depends on the group's own count.
  assert.deepEqual(train(true), train(false));
});

Deno.test("freezing is part of the state", () => {
  const make = () => {
    const { made, fill, values } = groups();
    const optimizer = new Optimizer(made, [adam()], { learningRate: 0.1 });
    const steps = (count: number) => {
      for (let i = 0; i < count; i++) {
        fill();
        optimizer.step();
      }
    };
    return { optimizer, steps, values, made };
  };
  const first = make();
  first.steps(1);
  first.optimizer.freeze("biases");
  first.steps(2);
  assert.deepEqual(first.optimizer.state().get("groups/biases")?.data, Float64Array.of(1, 1));
  const second = make();
  for (const group of ["biases", "weights"] as const) {
    for (const [name, parameter] of Object.entries(second.made.groups[group])) {
      parameter.data.set(first.made.groups[group][name]!.data);
    }
  }
  second.optimizer.load(first.optimizer.state());
  assert.deepEqual(second.optimizer.frozen, ["biases"]);
  for (const { optimizer, steps } of [first, second]) {
    steps(1);
    optimizer.unfreeze("biases");
    steps(2);
  }
  assert.deepEqual(second.values(), first.values());
  assert.deepEqual(second.optimizer.state().get("groups/biases")?.data, Float64Array.of(3, 0));
  const bad = new Map(first.optimizer.state()).set("groups/biases", { shape: [2], data: Float64Array.of(99, 2) });
  assert.throws(() => second.optimizer.load(bad), {
    name: "TypeError",
    message: "Cannot load the optimizer: groups/biases must be a number of steps up to 6, and 0 or 1, got 99 and 2",
  });
});

Deno.test("freezing refuses unknown groups, the last group, and unfreezing a group without a rule", () => {
  const { made } = groups();
  const optimizer = new Optimizer(made, [{ weights: sgd() }], { learningRate: 1 });
  assert.deepEqual(optimizer.frozen, ["biases"]);
  const kind = (message: string) => ({ name: "TypeError", message });
  assert.throws(
    () => optimizer.freeze("heads" as never),
    kind('Cannot freeze "heads": it must be a group of the optimizer (biases, weights); make groups with partition()'),
  );
  assert.throws(
    () => optimizer.freeze("weights"),
    kind('Cannot freeze "weights": a group must be left to train, got all of them frozen'),
  );
  assert.throws(
    () => optimizer.unfreeze("biases"),
    /Cannot unfreeze "biases": the group must have a rule, such as adam/,
  );
  const whole = new Optimizer({ weight: new Parameter([1]) }, [sgd()], { learningRate: 1 });
  assert.throws(() => whole.freeze(""), /must be a group of the optimizer \(there are none\)/);
});

Deno.test("each group has at most one rule, and one if it has anything", () => {
  const { made } = groups();
  const make = (...plugins: PluginEntry<"biases" | "weights">[]) => () =>
    new Optimizer(made, plugins, { learningRate: 1 });
  assert.throws(make({ biases: clipByGlobalNorm(1), weights: sgd() }), {
    name: "TypeError",
    message:
      "Cannot make an Optimizer: group biases must have a rule for clipByGlobalNorm to work with, such as adam(), " +
      "got none",
  });
  assert.throws(make({ biases: sgd() }, { biases: clipByGlobalNorm(1) }), {
    message:
      "Cannot make an Optimizer: clipByGlobalNorm changes the gradients, so it must come before the rule sgd, got " +
      "it after; move it",
  });
  assert.throws(make({ biases: sgd() }, { biases: adam() }), /one rule for group biases, got sgd and adam/);
  make({ biases: sgd() }, { weights: adam() }, ema())();
});

Deno.test("a scaled rule multiplies the rate of its group, also under a schedule, and keeps its name and state", () => {
  const { made, fill, values } = groups();
  const plugins = [{ weights: sgd(), biases: scaled(sgd({ momentum: 0.5 }), 0.25) }];
  const optimizer = new Optimizer(made, plugins, { learningRate: (step) => step === 1 ? 1 : 0 });
  for (let step = 0; step < 2; step++) {
    fill();
    optimizer.step();
  }
  assert.deepEqual(values(), [[0.75, 0.75], [0, 0, 0, 0], [0.75]]);
  assert.ok(optimizer.state().has("sgd.velocity/1.bias"));
  const kind = (got: string) => ({
    name: "TypeError",
    message: `Cannot scale a rule: rule must be a rule, such as adam(), got ${got}`,
  });
  assert.throws(() => scaled(clipByGlobalNorm(1), 0.5), kind("clipByGlobalNorm"));
  assert.throws(() => scaled(0.5 as never, 0.5), kind("0.5"));
  for (const factor of [0, -1, NaN, Infinity]) assert.throws(() => scaled(sgd(), factor), RangeError);
});

Deno.test("a parameter in two groups and parameters of the wrong kind are refused", () => {
  const tied = new Parameter([1]);
  const kind = (message: string) => ({ name: "TypeError", message });
  assert.throws(
    () => partition({ a: tied, b: tied }, (name) => name),
    kind("Cannot make a Partition: a parameter must be in one group, got a in a and b, which is the same one, in b"),
  );
  assert.deepEqual(Object.keys(partition({ a: tied, b: tied }, () => "all").groups.all), ["a"]);
  assert.throws(
    () => partition({ parameters: () => ({ tied }) } as never, () => "all"),
    /^TypeError: Cannot split the parameters: parameters must be .* got a model .*; pass its parameters\(\)$/,
  );
});
