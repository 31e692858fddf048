/**
 * Training: the loop as a stream of events, windows over a series, scalers, metrics.
 *
 * @example An LSTM learns to go on with a sine
 * ```ts
 * import { Random } from "@unfold/core";
 * import { Dense, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
 * import { adam, Optimizer } from "@unfold/optimizers";
 * import { train, Windows } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const random = new Random(1);
 * const wave = (shift: number) => ({ data: Float32Array.from({ length: 200 }, (_, t) => Math.sin((t + shift) / 4)), columns: 1 });
 * const batches = new Windows({ features: wave(0), targets: wave(1), past: 12, batchSize: 16, random });
 * const model = new Sequential([
 *   new LSTM({ inputSize: 1, hiddenSize: 16, random }),
 *   new LastStep(),
 *   new Dense({ inputSize: 16, outputSize: 1, random }),
 * ]);
 * const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 0.01 });
 * let last = Infinity;
 * for await (const event of train({ model, optimizer, loss: meanSquaredError, batches, epochs: 15 })) last = event.loss;
 * assert.ok(last < 0.01);
 * ```
 *
 * @module
 */

export * from "./accuracy.ts";
export * from "./batch.ts";
export * from "./bits_per_character.ts";
export * from "./calibration.ts";
export * from "./checkpoint_error.ts";
export * from "./checkpoints.ts";
export * from "./conformal_interval.ts";
export * from "./confusion_matrix.ts";
export * from "./consume.ts";
export * from "./diebold_mariano.ts";
export * from "./directional_accuracy.ts";
export * from "./early_stopping.ts";
export * from "./evaluate.ts";
export * from "./find_learning_rate.ts";
export * from "./history.ts";
export * from "./interval_coverage.ts";
export * from "./json_lines.ts";
export * from "./load_scaler.ts";
export * from "./log_scaler.ts";
export * from "./macro_f1.ts";
export * from "./mape.ts";
export * from "./mase.ts";
export * from "./min_max_scaler.ts";
export * from "./padded_batches.ts";
export * from "./parallel.ts";
export * from "./perplexity.ts";
export * from "./pinball_loss.ts";
export * from "./predict.ts";
export * from "./progress_bar.ts";
export * from "./reduce_on_plateau.ts";
export * from "./regression_metrics.ts";
export * from "./robust_scaler.ts";
export * from "./rolling_origin.ts";
export * from "./scaler.ts";
export * from "./smape.ts";
export * from "./split_by_time.ts";
export * from "./standard_scaler.ts";
export * from "./stateful.ts";
export * from "./stop_on_signals.ts";
export * from "./tensor_board.ts";
export * from "./token_stream.ts";
export * from "./train.ts";
export * from "./windows.ts";
