import {
  adadelta,
  adagrad,
  adam,
  adamW,
  addDecayedWeights,
  clipByGlobalNorm,
  clipByValue,
  ema,
  lion,
  lookahead,
  nadam,
  rmsprop,
  sgd,
  skipNonFinite,
} from "@unfold/optimizers";
import { checkPlugin, type PluginMaker } from "@unfold/optimizers/testing";

const builtIn: Record<string, [make: PluginMaker, learningRate: number]> = {
  sgd: [() => sgd(), 1e-3],
  "sgd with momentum": [() => sgd({ momentum: 0.9 }), 1e-3],
  "sgd with Nesterov's momentum": [() => sgd({ momentum: 0.9, nesterov: true }), 1e-3],
  adam: [() => adam(), 0.01],
  "adam with amsgrad": [() => adam({ amsgrad: true }), 0.1],
  adamW: [() => adamW({ weightDecay: 1e-4 }), 0.01],
  rmsprop: [() => rmsprop(), 0.01],
  "rmsprop, centred, with momentum": [() => rmsprop({ centered: true, momentum: 0.5 }), 0.01],
  adagrad: [() => adagrad(), 0.5],
  adadelta: [() => adadelta(), 1],
  nadam: [() => nadam(), 0.01],
  lion: [() => lion(), 0.01],
  "lookahead around adam": [() => lookahead(adam()), 0.01],
  ema: [() => [sgd({ momentum: 0.9 }), ema()], 1e-3],
  skipNonFinite: [() => [skipNonFinite(), adam()], 0.01],
  clipByGlobalNorm: [() => [clipByGlobalNorm(10), adam()], 0.01],
  clipByValue: [() => [clipByValue(10), adam()], 0.01],
  addDecayedWeights: [() => [addDecayedWeights(1e-4), adam()], 0.01],
};

for (const [name, [make, learningRate]] of Object.entries(builtIn)) {
  Deno.test(`${name} conforms`, () => checkPlugin(make, { learningRate }));
}
