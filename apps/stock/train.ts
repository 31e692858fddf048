import { Random } from "@unfold/core";
import { meanSquaredError } from "@unfold/layers";
import { clipByGlobalNorm, cosineDecay, Optimizer, type OptimizerPlugin } from "@unfold/optimizers";
import {
  type CheckpointConfig,
  Checkpoints,
  type ConformalInterval,
  conformalInterval,
  consume,
  type Consumer,
  type DieboldMariano,
  dieboldMariano,
  type DirectionalAccuracy,
  directionalAccuracy,
  earlyStopping,
  intervalCoverage,
  type Part,
  type RegressionMetrics,
  regressionMetrics,
  type Series,
  StandardScaler,
  type TimeSplit,
  train,
  Windows,
} from "@unfold/training";
import type { ForecastDay } from "./chart.ts";
import { FEATURE_SETS, featuresOf, targetsOf } from "./features.ts";
import { Forecaster, type ForecasterConfig, type ForecastInterval } from "./forecaster.ts";
import type { Prices } from "./prices.ts";
import { splitWindows } from "./split.ts";

/** How often intervals are to hold what happens. */
const COVERAGE = 0.9;

/** What can be chosen about a training run. */
export interface TrainSettings {
  readonly model: ForecasterConfig["model"];
  readonly features: ForecasterConfig["featureSet"];
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
  readonly scores: { readonly model: Score; readonly naive: Score; readonly drift: Score };
  /** How often the model said rightly whether the price would rise or fall. */
  readonly direction: DirectionalAccuracy;
  /** The forecasts' interval, and how often it held what happened on the test days; undefined where too few days were left to tell. */
  readonly interval: (ForecastInterval & { readonly held: number }) | undefined;
  /** Whether the model's squared errors differ from naive's by more than luck: below 0 the model's are smaller. */
  readonly comparison: DieboldMariano;
  /** The epoch whose weights were kept, by the loss on the validation part. */
  readonly bestEpoch: number;
  readonly validationLoss: number;
  readonly split: TimeSplit;
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
  readonly split: TimeSplit;
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
  const set = FEATURE_SETS[settings.features];
  const split = splitWindows(prices, { window, warmUp: set.warmUp }, settings);
  const features = featuresOf(prices, set);
  const targets = targetsOf(prices, set);
  const { from, to } = split.train;
  const config: ForecasterConfig = {
    model,
    hidden,
    window,
    featureSet: settings.features,
    features: set.names,
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

  const conformal = calibrate(forecaster, validation, prepared.targets.data.subarray(split.validation.from));
  forecaster.interval = conformal && { coverage: COVERAGE, radius: conformal.radius };
  const { from, to } = split.train;
  const drift = prepared.targets.data.subarray(from, to).reduce((a, b) => a + b, 0) / (to - from);
  const days = forecastDays(prices, forecaster, split.test, windows(split.test));
  const judged = judge(days, { prices, drift, conformal, first: split.test.from + forecaster.featureSet.warmUp });
  return { forecaster, days, ...judged, bestEpoch: best.epoch, validationLoss: best.loss, split };
}

/** How forecasts of the test days did, the first of them made on day `first`, beside those of naive and of the mean return. */
function judge(
  days: readonly ForecastDay[],
  { prices, drift, conformal, first }: {
    prices: Prices;
    drift: number;
    conformal: ConformalInterval | undefined;
    first: number;
  },
): Pick<TrainResult, "scores" | "direction" | "interval" | "comparison"> {
  const before = prices.close.subarray(first, first + days.length);
  const forecasts = days.map(({ forecast }) => forecast);
  const happened = days.map(({ actual }) => actual);
  const naive = regressionMetrics(before, happened);
  if (naive.mse === 0) {
    throw new RangeError(
      `Cannot test on ${prices.file}: the price must change in the test period, got the same one on every day`,
    );
  }
  const score = (predicted: ArrayLike<number>) => {
    const metrics = regressionMetrics(predicted, happened);
    return { ...metrics, skill: 1 - metrics.mse / naive.mse };
  };
  const errorsOf = (predicted: ArrayLike<number>) => happened.map((actual, i) => predicted[i]! - actual);
  const returnsOf = (values: readonly number[]) => values.map((value, i) => Math.log(value / before[i]!));
  const [predicted, actual] = [returnsOf(forecasts), returnsOf(happened)];
  return {
    scores: {
      model: score(forecasts),
      naive: score(before),
      drift: score(before.map((close) => close * Math.exp(drift))),
    },
    direction: directionalAccuracy(predicted, actual),
    interval: conformal && {
      coverage: COVERAGE,
      radius: conformal.radius,
      held: intervalCoverage(conformal.around(predicted), actual).coverage,
    },
    comparison: dieboldMariano(errorsOf(forecasts), errorsOf(before)),
  };
}

/** The interval around forecasts by the errors on days that chose the epoch, but that nothing was learned from. */
function calibrate(forecaster: Forecaster, windows: Windows, actual: Float32Array): ConformalInterval | undefined {
  const residuals: number[] = [];
  for (const { x } of windows) {
    for (const logReturn of forecaster.logReturns(x)) residuals.push(actual[residuals.length]! - logReturn);
  }
  // With fewer no error is large enough to be that of the rarest day in ten.
  if (residuals.length < COVERAGE / (1 - COVERAGE)) return undefined;
  return conformalInterval(residuals, { coverage: COVERAGE });
}

function forecastDays(prices: Prices, forecaster: Forecaster, { from }: Part, windows: Windows): ForecastDay[] {
  const days: ForecastDay[] = [];
  let day = from + forecaster.featureSet.warmUp;
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
