import { full, memoryStats, multiply, packParameters, Parameter, Random, scope, sum, tensor } from "@unfold/core";
import assert from "node:assert/strict";
import { adam } from "./adam.ts";
import { clipByGlobalNorm } from "./clip_by_global_norm.ts";
import { cosineDecay } from "./cosine_decay.ts";
import { Optimizer } from "./optimizer.ts";
import type { OptimizerPlugin } from "./plugin.ts";
import { sgd } from "./sgd.ts";

function signSgd(): OptimizerPlugin {
  return {
    name: "signSgd",
    update({ params, grads }, { learningRate }) {
      for (let i = 0; i < params.length; i++) params[i]! -= learningRate * Math.sign(grads[i]!);
    },
  };
}

/** A parameter and an optimizer of it, with gradients drawn from a seed. */
function setup(plugins: OptimizerPlugin[], size = 1001) {
  const random = new Random(1);
  const weight = new Parameter([size], (data) => data.forEach((_, i) => data[i] = random.normal()));
  const optimizer = new Optimizer({ weight }, plugins, { learningRate: cosineDecay(0.1, 20) });
  const step = (n: number) => {
    const gradients = new Random(n);
    weight.grad.data.forEach((_, i, data) => data[i] = gradients.normal());
    optimizer.step();
  };
  return { weight, optimizer, step };
}

for (const make of [() => sgd({ momentum: 0.9 }), () => adam(), signSgd]) {
  Deno.test(`${make().name}: state saved in the middle of a run and loaded elsewhere goes on to the bit`, () => {
    const whole = setup([clipByGlobalNorm(5), make()]);
    for (let n = 1; n <= 10; n++) whole.step(n);
    const first = setup([clipByGlobalNorm(5), make()]);
    for (let n = 1; n <= 5; n++) first.step(n);
    const second = setup([clipByGlobalNorm(5), make()]);
    second.weight.data.set(first.weight.data);
    second.optimizer.load(first.optimizer.state());
    for (let n = 6; n <= 10; n++) second.step(n);
    assert.deepEqual(second.weight.data, whole.weight.data);
    assert.equal(second.optimizer.steps, 10);
  });
}

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

Deno.test("state that does not fit is refused, and nothing changes", () => {
  const { optimizer, step } = setup([adam()], 3);
  step(1);
  const entry = (length: number) => ({ shape: [length], data: new Float32Array(length) });
  const state = new Map<string, { shape: number[]; data: Float32Array<ArrayBuffer> }>([
    ["optimizer.steps", { shape: [], data: Float32Array.of(4) }],
    ["optimizer.sgd.velocity", entry(3)],
    ["optimizer.adam.m", entry(2)],
  ]);
  assert.throws(() => optimizer.load(state), {
    name: "TypeError",
    message:
      "Cannot load the optimizer: optimizer.sgd.velocity belongs to none of the plugins; optimizer.adam.m must be 3 " +
      "32-bit floats, got 2 in a Float32Array",
  });
  assert.throws(() => optimizer.load(new Map()), /optimizer.steps must be an integer of 0 or more, got NaN/);
  assert.equal(optimizer.steps, 1);
});

Deno.test("bad options are refused at construction", () => {
  const weight = new Parameter([1]);
  assert.throws(() => new Optimizer({ weight }, [], { learningRate: 1 }), /at least one plugin/);
  assert.throws(
    () => new Optimizer({ weight }, [adam(), adam()], { learningRate: 1 }),
    /differ in name, got "adam" twice/,
  );
  for (const learningRate of [NaN, -1, Infinity]) {
    assert.throws(() => new Optimizer({ weight }, [sgd()], { learningRate }), /finite number of 0 or more, got/);
  }
  assert.throws(() => adam({ betas: [1, 0.9] }), {
    name: "RangeError",
    message: "Cannot make adam: betas[0] must be a number of at least 0 and below 1, got 1",
  });
  assert.throws(() => adam({ eps: -1 }), /eps must be a finite number of 0 or more, got -1/);
  assert.throws(() => sgd({ momentum: NaN }), /momentum must be/);
  assert.throws(() => sgd({ nesterov: true }), /nesterov must come with a momentum above 0/);
  assert.throws(() => clipByGlobalNorm(0), /maxNorm must be/);
  assert.throws(() => cosineDecay(1, 0), /steps must be/);
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

Deno.test("a state without the slots that a plugin needs is refused at the next step", () => {
  const { optimizer } = setup([adam()], 3);
  optimizer.load(new Map([["optimizer.steps", { shape: [], data: Float64Array.of(1000) }]]));
  assert.throws(() => optimizer.step(), {
    message: "Cannot step: the state that was loaded must have optimizer.adam.m, and has not",
  });
});

Deno.test("NaN gradients are not swallowed by a rule's flushing of denormals", () => {
  for (const plugin of [sgd(), sgd({ momentum: 0.9 }), adam()]) {
    const { weight, optimizer } = setup([plugin], 5);
    weight.grad.data.fill(NaN);
    optimizer.step();
    assert.ok(weight.data.every(Number.isNaN), plugin.name);
  }
});

Deno.test("six slots fit whatever the size of the parameters", () => {
  const six: OptimizerPlugin = { name: "six", update: ({ slot }) => void ["a", "b", "c", "d", "e", "f"].forEach(slot) };
  for (let i = 0; i < 50; i++) new Optimizer({ weight: new Parameter([1]) }, [six], { learningRate: 1 }).step();
});
