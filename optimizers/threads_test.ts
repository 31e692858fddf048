import { Parameter, Random } from "@unfold/core";
import { checkThreads } from "@unfold/core/testing";
import {
  adadelta,
  adagrad,
  adam,
  adamW,
  lion,
  nadam,
  Optimizer,
  type OptimizerPlugin,
  rmsprop,
  sgd,
} from "@unfold/optimizers";

const rules: Record<string, () => OptimizerPlugin> = {
  sgd: () => sgd(),
  "sgd with momentum": () => sgd({ momentum: 0.9, nesterov: true }),
  adam: () => adam(),
  "adam with amsgrad": () => adam({ amsgrad: true }),
  adamW: () => adamW(),
  nadam: () => nadam(),
  rmsprop: () => rmsprop(),
  "rmsprop, centred, with momentum": () => rmsprop({ centered: true, momentum: 0.5 }),
  adagrad: () => adagrad(),
  adadelta: () => adadelta(),
  lion: () => lion(),
};

for (const [name, make] of Object.entries(rules)) {
  Deno.test(`${name}: the same on any number of threads`, () =>
    checkThreads(() => {
      const random = new Random(1);
      const weight = new Parameter([333], (data) => data.forEach((_, i) => data[i] = random.normal()));
      const optimizer = new Optimizer({ weight }, [make()], { learningRate: 0.01 });
      for (let step = 0; step < 5; step++) {
        weight.grad.data.forEach((_, i, data) => data[i] = random.normal());
        optimizer.step();
      }
      const state = [...optimizer.state()].map(([key, { data }]) => [key, Float32Array.from(data as Float32Array)]);
      return { weight: weight.data, ...Object.fromEntries(state) };
    }));
}
