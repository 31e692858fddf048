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

export * from "./batch.ts";
export * from "./evaluate.ts";
export * from "./predict.ts";
export * from "./reduce_on_plateau.ts";
export * from "./regression_metrics.ts";
export * from "./standard_scaler.ts";
export * from "./stateful.ts";
export * from "./train.ts";
export * from "./windows.ts";
