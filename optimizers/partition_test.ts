import { Parameter } from "@unfold/core";
import {
  adam,
  addDecayedWeights,
  clipByGlobalNorm,
  Optimizer,
  Partition,
  partition,
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
