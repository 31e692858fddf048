/**
 * Optimizers as plugins over flat arrays, their host, gradient transforms and schedules.
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

export * from "./adadelta.ts";
export * from "./adagrad.ts";
export * from "./adam.ts";
export * from "./adam_w.ts";
export * from "./add_decayed_weights.ts";
export * from "./clip_by_global_norm.ts";
export * from "./clip_by_value.ts";
export * from "./constant.ts";
export * from "./cosine_decay.ts";
export * from "./ema.ts";
export * from "./exponential_decay.ts";
export * from "./join.ts";
export * from "./linear_warmup.ts";
export * from "./lion.ts";
export * from "./lookahead.ts";
export * from "./nadam.ts";
export * from "./one_cycle.ts";
export * from "./optimizer.ts";
export * from "./partition.ts";
export * from "./plugin.ts";
export * from "./rmsprop.ts";
export * from "./sgd.ts";
export * from "./skip_non_finite.ts";
export * from "./step_decay.ts";
