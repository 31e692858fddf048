/** Steps of the optimizers over 10⁵ parameters, beside Adam as a loop in TypeScript. */

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
import { ours } from "./_benchmarks.ts";

const SIZE = 100_000;
const group = `a step over ${SIZE} parameters`;

/** Adam as a plugin's author would first write it. */
function plainAdam(): OptimizerPlugin {
  return {
    name: "plainAdam",
    update({ params, grads, slot }, { learningRate, step }) {
      const [m, v] = [slot("m"), slot("v")];
      const rate = learningRate / (1 - 0.9 ** step);
      const correction = Math.sqrt(1 - 0.999 ** step);
      for (let i = 0; i < params.length; i++) {
        const g = grads[i]!;
        m[i] = 0.9 * m[i]! + 0.1 * g;
        v[i] = 0.999 * v[i]! + 0.001 * g * g;
        params[i]! -= rate * m[i]! / (Math.sqrt(v[i]!) / correction + 1e-8);
      }
    },
  };
}

const rules: Record<string, readonly OptimizerPlugin[]> = {
  adam: [adam()],
  "adam, a loop in TypeScript": [plainAdam()],
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
