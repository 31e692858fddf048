import { Random } from "@unfold/core";
import { meanSquaredError } from "@unfold/layers";
import { clipByGlobalNorm, cosineDecay, Optimizer, type OptimizerPlugin } from "@unfold/optimizers";
import {
  type CheckpointConfig,
  Checkpoints,
  consume,
  type Consumer,
  type DieboldMariano,
  dieboldMariano,
  earlyStopping,
  type RegressionMetrics,
  regressionMetrics,
  type Series,
  StandardScaler,
  train,
  Windows,
} from "@unfold/training";
import type { ForecastDay } from "./chart.ts";
import { FEATURES, featuresOf, targetsOf, WARM_UP } from "./features.ts";
import { Forecaster, type ForecasterConfig } from "./forecaster.ts";
import type { Prices } from "./prices.ts";
import { type Part, type Split, splitByTime } from "./split.ts";

/** What can be chosen about a training run. */
export interface TrainSettings {
  readonly model: ForecasterConfig["model"];
  readonly epochs: number;
  readonly window: number;
  readonly hidden: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Fractions of all windows. */
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
}

/** How a forecast of the price did on the test part. */
export interface Score extends RegressionMetrics {
  /** 1 − MSE/MSE of the naive forecast: above 0 is better than naive. */
  readonly skill: number;
}

/** What came out of a training run. */
export interface TrainResult {
  readonly forecaster: Forecaster;
  /** The test days. */
  readonly days: readonly ForecastDay[];
  readonly scores: { readonly model: Score; readonly naive: Score };
  /** Whether the model's squared errors differ from naive's by more than luck: below 0 the model's are smaller. */
  readonly comparison: DieboldMariano;
  /** The epoch whose weights were kept, by the loss on the validation part. */
  readonly bestEpoch: number;
  readonly validationLoss: number;
  readonly split: Split;
}

/** How a training run goes, whatever is trained. */
export interface TrainRun {
  readonly optimizer: OptimizerPlugin;
  /** What is told of its events. */
  readonly onEvent: Consumer;
  /** Where checkpoints go, if anywhere. */
  readonly folder?: string;
  /** What a checkpoint must agree in. */
  readonly config?: CheckpointConfig;
  /** Whether to go on from the last checkpoint, or which one. */
  readonly resume?: boolean | string;
  /** Stops the run. */
  readonly signal?: AbortSignal;
}

/** Prices made ready for a network: checked, split, scaled by the training part alone. */
export interface Prepared {
  readonly split: Split;
  readonly config: ForecasterConfig;
  readonly features: Series;
  readonly targets: Series;
}

function rowsOf({ data, columns }: Series, from: number, to: number): Series {
  return { data: data.subarray(from * columns, to * columns), columns };
}

/**
 * Makes prices ready.
 *
 * @throws {RangeError} If there are too few.
 */
export function prepare(prices: Prices, settings: TrainSettings): Prepared {
  const { model, hidden, window } = settings;
  const split = splitByTime(prices, window, settings);
  const features = featuresOf(prices);
  const targets = targetsOf(prices);
  const { from, to } = split.train;
  const config: ForecasterConfig = {
    model,
    hidden,
    window,
    features: FEATURES,
    featureScaler: StandardScaler.fit(rowsOf(features, 0, to)).state,
    targetScaler: StandardScaler.fit(rowsOf(targets, from, to)).state,
  };
  return { split, config, features, targets };
}

/**
 * Trains a forecaster on the first part of a series, keeps its best epoch by the second, and tests it on the last; undefined
 * where it was stopped before.
 */
export async function trainForecaster(
  prices: Prices,
  prepared: Prepared,
  settings: TrainSettings,
  run: TrainRun,
): Promise<TrainResult | undefined> {
  const { batchSize, epochs, window, seed } = settings;
  const { split, config } = prepared;
  const random = new Random(seed);
  const forecaster = new Forecaster(config, random.split());
  const features = forecaster.scaleFeatures(prepared.features);
  const targets = forecaster.scaleTargets(prepared.targets);
  const windows = (part: Part, shuffled?: Random) =>
    new Windows({ features, targets, past: window, batchSize, ...part, ...(shuffled && { random: shuffled }) });

  const { network } = forecaster;
  const parameters = network.parameters();
  const batches = windows(split.train, random.split());
  const steps = epochs * Math.ceil(batches.length / batchSize);
  const learningRate = cosineDecay(settings.learningRate, steps);
  const optimizer = new Optimizer(parameters, [clipByGlobalNorm(1), run.optimizer], { learningRate });
  const validation = windows(split.validation);
  const best = earlyStopping(parameters);
  const checkpoints = run.folder === undefined ? {} : {
    checkpoints: new Checkpoints({
      folder: run.folder,
      everySteps: 500,
      ...(run.config && { config: run.config }),
      parts: { best },
    }),
  };
  const { resume = false, signal } = run;
  const events = train({
    model: network,
    optimizer,
    loss: meanSquaredError,
    batches,
    validation,
    epochs,
    ...checkpoints,
    resume,
    ...(signal && { signal }),
  });
  const last = await consume(events, run.onEvent, best);
  if (last?.type === "done" && !last.finished) return undefined;

  const days = forecastDays(prices, forecaster, split.test, windows(split.test));
  const naiveMetrics = regressionMetrics(
    prices.close.subarray(split.test.from + WARM_UP, split.test.to + WARM_UP),
    days.map((d) => d.actual),
  );
  if (naiveMetrics.mse === 0) {
    throw new RangeError(
      `Cannot test on ${prices.file}: the price must change in the test period, got the same one on every day`,
    );
  }
  const metrics = regressionMetrics(days.map((d) => d.forecast), days.map((d) => d.actual));
  const scores = {
    model: { ...metrics, skill: 1 - metrics.mse / naiveMetrics.mse },
    naive: { ...naiveMetrics, skill: 0 },
  };
  const comparison = dieboldMariano(
    days.map((d) => d.forecast - d.actual),
    days.map((d, i) => prices.close[split.test.from + WARM_UP + i]! - d.actual),
  );
  return { forecaster, days, scores, comparison, bestEpoch: best.epoch, validationLoss: best.loss, split };
}

function forecastDays(prices: Prices, forecaster: Forecaster, { from }: Part, windows: Windows): ForecastDay[] {
  const days: ForecastDay[] = [];
  let day = from + WARM_UP;
  for (const { x } of windows) {
    for (const logReturn of forecaster.logReturns(x)) {
      days.push({
        date: prices.dates[day + 1]!,
        forecast: prices.close[day]! * Math.exp(logReturn),
        actual: prices.close[day + 1]!,
      });
      day++;
    }
  }
  return days;
}
