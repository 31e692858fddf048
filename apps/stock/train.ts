import { Random } from "@unfold/core";
import { checkSameOnRanks, single } from "@unfold/distributed";
import { type EpochLosses, type Part, type Series, StandardScaler, type TimeSplit, Windows } from "@unfold/training";
import { fit, type FitRun } from "../shared/fit.ts";
import { checkMemory } from "../shared/memory.ts";
import { BASELINES, type Baselines, ridgeBaseline } from "./baselines.ts";
import { FEATURE_SETS, featuresOf } from "./features.ts";
import { Forecaster, type ForecasterConfig, forecasterSizes } from "./forecaster.ts";
import { forecastDays, isPerfect, judge, type Judgement, type TestDays } from "./judge.ts";
import type { Prices } from "./prices.ts";
import { stepName, stepsOf } from "./rhythm.ts";
import { targetOf, targetsOf } from "./targets.ts";

/** The settings of a training run. */
export interface TrainSettings {
  readonly target: ForecasterConfig["target"];
  readonly horizon: number;
  readonly model: ForecasterConfig["model"];
  readonly features: ForecasterConfig["featureSet"];
  readonly epochs: number;
  readonly window: number;
  readonly hidden: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Days in a season, for the seasonal baseline. */
  readonly season: number;
  readonly seed: number;
}

/** Prices prepared for a network: checked, split, and scaled by the training part only. */
export interface Prepared {
  readonly split: TimeSplit;
  readonly config: ForecasterConfig;
  /** Unscaled: a row per day, from the first day that has features. */
  readonly features: Series;
  /** Unscaled, with the same rows as the features. */
  readonly targets: Series;
  /** The reference comes first. */
  readonly baselines: Baselines;
}

/** The result of a training run. */
export interface TrainResult extends Judgement {
  readonly forecaster: Forecaster;
  readonly test: TestDays;
  /** The baselines' names in tables. */
  readonly labels: Readonly<Record<string, string>>;
  /** The epoch with the smallest validation loss, whose weights were kept. */
  readonly bestEpoch: number;
  readonly validationLoss: number;
  /** The learning curve. */
  readonly history: readonly EpochLosses[];
  /**
   * The norm of the loss's gradient at each day of a window, for one batch of the validation part; undefined if the network
   * is not recurrent.
   */
  readonly gradientFlow: readonly number[] | undefined;
  readonly split: TimeSplit;
}

/**
 * Prepares prices for training.
 *
 * @param from A model whose weights are trained further; its scalers are kept.
 * @throws {RangeError} If the price never changes, the reference baseline is never wrong, or there are fewer days before the
 * test part than in a season.
 */
export function prepare(prices: Prices, settings: TrainSettings, split: TimeSplit, from?: Forecaster): Prepared {
  const { model, hidden, window, horizon, season } = settings;
  const [set, target] = [FEATURE_SETS[settings.features], targetOf(settings.target, prices.rhythm)];
  const { warmUp } = set;
  const days = ({ from, to }: Part) => ({ from: from + warmUp, to: to + warmUp });
  const [train, test] = [days(split.train), days(split.test)];
  checkChange(prices, train, { doing: "train", part: "training" });
  checkChange(prices, test, { doing: "test", part: "test" });
  if (target.isPath && season > test.from) {
    throw new RangeError(
      `Cannot test on ${prices.file}: a season must be at most the ` +
        `${stepsOf(prices.rhythm, test.from)} before the test part, got ${season}`,
    );
  }
  const baselines = BASELINES[settings.target]({ prices, horizon, season, train });
  checkReference(prices, baselines, test, settings);
  const features = featuresOf(prices, set);
  const targets = targetsOf(prices, target, horizon, warmUp);
  const { from: first, to } = split.train;
  /** The last day that a window of a part ends on, its target included. */
  const last = (part: Part) => part.to - 1 + warmUp + horizon;
  const learned = prices.close.subarray(0, last(split.train) + 1);
  const config: ForecasterConfig = {
    model,
    hidden,
    target: settings.target,
    horizon,
    window,
    featureSet: settings.features,
    features: set.names,
    featureScaler: StandardScaler.fit(rowsOf(features, 0, to)).state,
    targetScaler: target.scaled ? StandardScaler.fit(rowsOf(targets, first, to)).state : unscaled(targets.columns),
    rhythm: prices.rhythm,
    level: [learned.reduce((a, b) => Math.min(a, b)), learned.reduce((a, b) => Math.max(a, b))],
    seenUntil: prices.dates[last(split.validation)]!,
    // Weights go on only with the scales that they were trained at.
    ...(from && { featureScaler: from.config.featureScaler, targetScaler: from.config.targetScaler }),
  };
  return { split, config, features, targets, baselines };
}

/** Rows of a series. */
function rowsOf({ data, columns }: Series, from: number, to: number): Series {
  return { data: data.subarray(from * columns, to * columns), columns };
}

/** A scaler that changes nothing. */
function unscaled(columns: number): ForecasterConfig["targetScaler"] {
  return { kind: "standard", mean: Array(columns).fill(0), deviation: Array(columns).fill(1) };
}

function checkChange(
  { close, file, rhythm }: Prices,
  { from, to }: Part,
  { doing, part }: { doing: string; part: string },
): void {
  if (close.subarray(from, to + 1).some((price) => price !== close[from])) return;
  throw new RangeError(
    `Cannot ${doing} on ${file}: the price must change in the ${part} part, got the same price every ` +
      `${stepName(rhythm)}`,
  );
}

/** Skill is undefined if the reference makes no error. */
function checkReference(
  prices: Prices,
  baselines: Baselines,
  { from, to }: Part,
  settings: Pick<TrainSettings, "target" | "horizon">,
): void {
  const target = targetOf(settings.target, prices.rhythm);
  const actual = target.actual(prices, settings.horizon);
  const days = Array.from({ length: to - from }, (_, i) => from + i);
  const { label, of } = Object.values(baselines)[0]!;
  const forecasts = days.map((day) => target.shown(of(day), prices.close[day]!));
  if (!isPerfect(forecasts, days.map(actual))) return;
  throw new RangeError(
    `Cannot test on ${prices.file}: the test part must have something to forecast, ` +
      `got a ${settings.target} that the baseline always gets right: ${label}`,
  );
}

/**
 * Trains a forecaster on the first part of a series, keeps the best epoch by the second, and tests it on the last.
 *
 * @returns undefined if the run was stopped.
 */
export async function trainForecaster(
  prices: Prices,
  prepared: Prepared,
  settings: TrainSettings,
  run: FitRun & {
    /** A model to start from, in place of random weights. */
    readonly from?: Forecaster;
  },
): Promise<TrainResult | undefined> {
  const { batchSize, epochs, window, seed, learningRate } = settings;
  const { split, config } = prepared;
  const { communicator = single() } = run;
  const { dates, close, more } = prices;
  await checkSameOnRanks(communicator, { settings: { ...settings }, data: { dates, close, ...more } });
  const { from, to } = split.train;
  const sizes = forecasterSizes(config, Math.min(batchSize, to - from));
  checkMemory(sizes, { lower: "--hidden, --batch-size or --window", communicator });
  const random = new Random(seed);
  const forecaster = new Forecaster(config, random.split());
  const { network, target } = forecaster;
  if (run.from !== undefined) copyWeights(run.from, forecaster);
  const features = forecaster.scaleFeatures(prepared.features);
  const targets = forecaster.scaleTargets(prepared.targets);
  const windows = (part: Part, shuffled?: Random) =>
    new Windows({
      features,
      targets,
      past: window,
      ahead: 0,
      batchSize,
      ...part,
      ...(shuffled && { random: shuffled }),
    });

  const batches = windows(split.train, random.split());
  const validation = windows(split.validation);
  const fitted = await fit(network, {
    ...run,
    loss: target.loss,
    batches,
    batchesPerEpoch: Math.ceil(batches.length / batchSize),
    validation,
    epochs,
    learningRate,
    clip: 1,
  });
  if (fitted === undefined) return undefined;

  forecaster.calibrate(validation, rowsOf(prepared.targets, split.validation.from, Infinity).data);
  const ridge = ridgeBaseline(forecaster, { split, features, targets: prepared.targets });
  const baselines = { ...prepared.baselines, ridge };
  const test = forecastDays(forecaster, { prices, part: split.test, batches: windows(split.test), baselines });
  return {
    forecaster,
    test,
    labels: Object.fromEntries(Object.entries(baselines).map(([name, { label }]) => [name, label])),
    ...judge(test, target, settings.horizon),
    bestEpoch: fitted.bestEpoch,
    validationLoss: fitted.validationLoss,
    history: fitted.history,
    gradientFlow: flowOf(forecaster, validation),
    split,
  };
}

function copyWeights(from: Forecaster, to: Forecaster): void {
  const weights = from.network.parameters();
  for (const [name, { data }] of Object.entries(to.network.parameters())) data.set(weights[name]!.data);
}

/** The gradient flow of the first batch. A batch is valid only inside the loop. */
function flowOf(forecaster: Forecaster, batches: Windows): readonly number[] | undefined {
  for (const batch of batches) return forecaster.gradientFlow(batch);
}
