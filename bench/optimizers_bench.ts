/** A step of each optimizer over 10⁵ parameters, and Adam as a loop in TypeScript. */

import { Parameter } from "@unfold/core";
import {
  adadelta,
  adagrad,
  adam,
  adamW,
  clipByGlobalNorm,
  ema,
  lion,
  nadam,
  Optimizer,
  type OptimizerPlugin,
  rmsprop,
  sgd,
} from "@unfold/optimizers";
import { plainRules } from "../optimizers/rules/_plain_rules_test.ts";
import { ours } from "./_measure.ts";

const SIZE = 100_000;
const group = `a step over ${SIZE} parameters`;

const rules: Record<string, readonly OptimizerPlugin[]> = {
  adam: [adam()],
  "adam, loop in TypeScript": [plainRules.adam()],
  "adam, clipped": [clipByGlobalNorm(1), adam()],
  "adam, averaged": [adam(), ema({ decay: 0.999 })],
  adamW: [adamW()],
  nadam: [nadam()],
  sgd: [sgd()],
  "sgd, momentum": [sgd({ momentum: 0.9 })],
  rmsprop: [rmsprop()],
  adagrad: [adagrad()],
  adadelta: [adadelta()],
  lion: [lion()],
};
for (const [name, plugins] of Object.entries(rules)) {
  const parameter = new Parameter([SIZE], (data) => data.fill(0.1));
  const optimizer = new Optimizer({ parameter }, plugins, { learningRate: 1e-3 });
  ours(name, group, () => optimizer.step(), { baseline: name === "adam" });
}
