/**
 * Training: the loop as a stream of events, sources of batches, scalers, metrics, checkpoints.
 *
 * @example An LSTM learns to continue a sine wave
 * ```ts
 * import { Random } from "@unfold/core";
 * import { Dense, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
 * import { adam, Optimizer } from "@unfold/optimizers";
 * import { train, Windows } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const random = new Random(1);
 * const wave = { data: Float32Array.from({ length: 200 }, (_, t) => Math.sin(t / 4)), columns: 1 };
 * // Twelve steps of the wave, and the one after them.
 * const batches = new Windows({ features: wave, targets: wave, past: 12, batchSize: 16, random });
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

export type { Batch, Batches, Loss } from "./batch.ts";
export { type CheckpointConfig, CheckpointError, Checkpoints, type CheckpointsOptions } from "./checkpoints.ts";
export { consume, type Consumer } from "./consumers/consume.ts";
export { type EpochLosses, type History, history, jsonLines, tensorBoard } from "./consumers/logs.ts";
export { progressBar, type ProgressBarOptions, type ProgressOutput } from "./consumers/progress_bar.ts";
export {
  type EarlyStopping,
  earlyStopping,
  type EarlyStoppingOptions,
  reduceOnPlateau,
  type ReduceOnPlateauOptions,
  type SignalStop,
  stopOnSignals,
} from "./consumers/stopping.ts";
export { PaddedBatches, type PaddedBatchesOptions } from "./data/padded_batches.ts";
export {
  type Fold,
  type Part,
  rollingOrigin,
  type RollingOriginOptions,
  splitByTime,
  type SplitByTimeOptions,
  type TimeSplit,
} from "./data/splits.ts";
export { type TokenSource, TokenStream, type TokenStreamOptions } from "./data/token_stream.ts";
export { type Series, Windows, type WindowsOptions } from "./data/windows.ts";
export { evaluate, type EvaluateOptions } from "./evaluate.ts";
export type {
  CheckpointEvent,
  DoneEvent,
  EpochEvent,
  StepEvent,
  TrainEvent,
  TrainOptions,
  ValidationEvent,
} from "./events.ts";
export { findLearningRate, type FindLearningRateOptions, type LearningRateSearch } from "./find_learning_rate.ts";
export { lockFolder, syncFolder } from "./lock_folder.ts";
export {
  accuracy,
  balancedAccuracy,
  type Calibration,
  calibration,
  type CalibrationBin,
  type CalibrationOptions,
  type ConfusionMatrix,
  confusionMatrix,
  type DirectionalAccuracy,
  directionalAccuracy,
  type DirectionalAccuracyOptions,
  logLoss,
  macroF1,
} from "./metrics/classification.ts";
export { type DieboldMariano, dieboldMariano, type DieboldMarianoOptions } from "./metrics/diebold_mariano.ts";
export {
  type ConformalInterval,
  conformalInterval,
  type ConformalIntervalOptions,
  type IntervalCoverage,
  intervalCoverage,
  type Intervals,
  quantileLoss,
  type QuantileLossOptions,
} from "./metrics/intervals.ts";
export { bitsPerCharacter, perplexity } from "./metrics/language.ts";
export {
  mape,
  mase,
  type MaseOptions,
  type RegressionMetrics,
  regressionMetrics,
  smape,
} from "./metrics/regression.ts";
export {
  type McNemar,
  mcNemar,
  type ProportionInterval,
  signTest,
  wilsonInterval,
  type WilsonIntervalOptions,
} from "./metrics/proportions.ts";
export type { Parallel } from "./parallel.ts";
export { predict, type PredictOptions } from "./predict.ts";
export {
  type InverseOptions,
  MinMaxScaler,
  type MinMaxScalerState,
  RobustScaler,
  type RobustScalerState,
  type Scaler,
  StandardScaler,
  type StandardScalerState,
} from "./scalers/affine.ts";
export { loadScaler } from "./scalers/load.ts";
export { LogScaler, type LogScalerOptions, type LogScalerState } from "./scalers/log.ts";
export type { State, Stateful } from "./stateful.ts";
export { train, type TrainEvents } from "./train.ts";
