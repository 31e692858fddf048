import { Parameter } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import {
  adadelta,
  adagrad,
  adam,
  adamW,
  addDecayedWeights,
  cosineDecay,
  exponentialDecay,
  linearWarmup,
  lion,
  nadam,
  oneCycle,
  Optimizer,
  type OptimizerPlugin,
  rmsprop,
  type Schedule,
  sgd,
  stepDecay,
} from "@unfold/optimizers";
import assert from "node:assert/strict";
import golden from "./testdata/pytorch.json" with { type: "json" };

const rules: Record<string, (options: object) => OptimizerPlugin> = {
  sgd,
  adam,
  adamW,
  rmsprop,
  adagrad,
  adadelta,
  nadam,
  lion,
};

/** The plugins for PyTorch's options. Weight decay is an option of the rule, or a transform before it. */
function pluginsOf(rule: string, options: Record<string, unknown>): OptimizerPlugin[] {
  const { weight_decay, ...rest } = options;
  const camel = Object.entries(rest).map(([name, value]) =>
    [name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()), value] as const
  );
  const decay = typeof weight_decay === "number" ? weight_decay : undefined;
  const own = ["adamW", "lion"].includes(rule);
  const made = rules[rule]!({
    ...Object.fromEntries(camel),
    ...(own && decay !== undefined && { weightDecay: decay }),
  });
  return own || decay === undefined ? [made] : [addDecayedWeights(decay), made];
}

for (const { rule, options, after } of golden.cases) {
  Deno.test(`${rule} ${JSON.stringify(options)} equals PyTorch after 1 and 10 steps`, () => {
    const parameters = Object.fromEntries(
      Object.entries(golden.shapes).map(([name, shape]) => [name, new Parameter(shape)]),
    );
    const optimizer = new Optimizer(parameters, pluginsOf(rule, options), { learningRate: golden.learningRate });
    const { slab } = parameters.weight!;
    slab.params.set(golden.initial);
    golden.gradients.forEach((gradients, index) => {
      slab.grads.set(gradients);
      optimizer.step();
      const expected = (after as Record<string, number[]>)[index + 1];
      if (expected !== undefined) assertClose(slab.params, expected, { tolerance: 1e-6, name: `step ${index + 1}` });
    });
  });
}

const schedules: Record<string, Schedule> = {
  stepDecay: stepDecay(0.5, { every: 7, factor: 0.3 }),
  exponentialDecay: exponentialDecay(0.5, { factor: 0.9 }),
  cosineDecay: cosineDecay(0.5, 41, { finalFraction: 0.1 }),
  "cosineDecay, restarts": cosineDecay(0.5, 5, { finalFraction: 0.1, restartFactor: 2 }),
  "cosineDecay, even restarts": cosineDecay(0.5, 6, { restartFactor: 1 }),
  linearWarmup: linearWarmup(0.5, 10),
  oneCycle: oneCycle(0.5, 41),
  "oneCycle, options": oneCycle(0.5, 41, { riseFraction: 0.45, initialDivisor: 5, finalDivisor: 10 }),
};

for (const [name, rates] of Object.entries(golden.schedules)) {
  Deno.test(`${name} gives the rates of PyTorch`, () => {
    rates.forEach((rate, i) => assert.ok(Math.abs(schedules[name]!(i + 1) - rate) < 1e-12, `step ${i + 1}: ${rate}`));
  });
}
