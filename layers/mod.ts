/**
 * Layers, recurrent ones above all, and losses.
 *
 * @example An LSTM that reads a sequence and predicts one number
 * ```ts
 * import { Random, tensor } from "@unfold/core";
 * import { Dense, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const random = new Random(1);
 * const model = new Sequential([
 *   new LSTM({ inputSize: 1, hiddenSize: 8, random }),
 *   new LastStep(),
 *   new Dense({ inputSize: 8, outputSize: 1, random }),
 * ]);
 * const loss = meanSquaredError(model.forward(tensor([[[1], [2], [3]]])), tensor([[4]]));
 * loss.backward();
 * assert.ok(loss.item() > 0);
 * ```
 *
 * @module
 */

export * from "./attention.ts";
export * from "./binary_cross_entropy.ts";
export * from "./carried_state.ts";
export * from "./cell.ts";
export * from "./constant.ts";
export * from "./dense.ts";
export * from "./dropout.ts";
export * from "./embedding.ts";
export * from "./gaussian_negative_log_likelihood.ts";
export * from "./glorot_uniform.ts";
export * from "./gradient_flow.ts";
export * from "./gru.ts";
export * from "./he_normal.ts";
export * from "./huber.ts";
export * from "./lambda.ts";
export * from "./last_step.ts";
export * from "./layer.ts";
export * from "./layer_norm.ts";
export * from "./lstm.ts";
export * from "./mean_absolute_error.ts";
export * from "./mean_squared_error.ts";
export * from "./orthogonal.ts";
export * from "./quantile_loss.ts";
export * from "./recurrent.ts";
export * from "./sequential.ts";
export * from "./simple_rnn.ts";
export * from "./softmax_cross_entropy.ts";
export * from "./summary.ts";
export * from "./uniform.ts";
