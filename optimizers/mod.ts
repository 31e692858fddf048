/**
 * The optimizer, its rules and gradient transforms as plugins over flat arrays, and learning rate schedules.
 *
 * @example
 * ```ts
 * import { matmul, mean, multiply, Parameter, scope, subtract, tensor } from "@unfold/core";
 * import { adam, clipByGlobalNorm, cosineDecay, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1, 1]);
 * const optimizer = new Optimizer({ weight }, [clipByGlobalNorm(1), adam()], { learningRate: cosineDecay(0.2, 200) });
 * for (let step = 0; step < 200; step++) {
 *   using _ = scope();
 *   const error = subtract(matmul(tensor([[1], [2], [3]]), weight), tensor([[2], [4], [6]]));
 *   mean(multiply(error, error)).backward();
 *   optimizer.step();
 * }
 * assert.ok(Math.abs(weight.item() - 2) < 1e-3);
 * ```
 *
 * @module
 */

export { ema, type EmaOptions, lookahead, type LookaheadOptions } from "./averaging.ts";
export { Optimizer, type OptimizerOptions, type OptimizerState } from "./optimizer.ts";
export { Partition, partition, scaled } from "./partition.ts";
export type { OptimizerPlugin, ParameterGroup, PluginEntry, Schedule, UpdateInfo } from "./plugin.ts";
export { adam, type AdamOptions, adamW, type AdamWOptions, nadam, type NadamOptions } from "./rules/adam.ts";
export {
  adadelta,
  type AdadeltaOptions,
  adagrad,
  type AdagradOptions,
  rmsprop,
  type RmspropOptions,
} from "./rules/adaptive.ts";
export { lion, type LionOptions, sgd, type SgdOptions } from "./rules/momentum.ts";
export {
  constant,
  cosineDecay,
  type CosineDecayOptions,
  exponentialDecay,
  type ExponentialDecayOptions,
  join,
  linearWarmup,
  oneCycle,
  type OneCycleOptions,
  stepDecay,
  type StepDecayOptions,
} from "./schedules.ts";
export {
  addDecayedWeights,
  clipByGlobalNorm,
  clipByValue,
  skipNonFinite,
  type SkipNonFiniteOptions,
} from "./transforms.ts";
