import { Random } from "@unfold/core";
import { type Communicator, dataParallel, single } from "@unfold/distributed";
import { clipByGlobalNorm, cosineDecay, Optimizer, type OptimizerPlugin } from "@unfold/optimizers";
import {
  type CheckpointConfig,
  Checkpoints,
  conformalInterval,
  consume,
  type Consumer,
  earlyStopping,
  type EpochLosses,
  history,
  type Part,
  type Series,
  StandardScaler,
  type TimeSplit,
  train,
  Windows,
} from "@unfold/training";
import { BASELINES, type Baselines, Ridge } from "./baselines.ts";
import { FEATURE_SETS, featuresOf } from "./features.ts";
import { Forecaster, type ForecasterConfig, type ForecastInterval } from "./forecaster.ts";
import { isPerfect, judge, type Judgement, MODEL, type TestDays } from "./judge.ts";
import type { Prices } from "./prices.ts";
import { TARGETS, targetsOf } from "./targets.ts";

/** How often intervals are to hold what happens. */
const COVERAGE = 0.9;
/** COVERAGE/(1 − COVERAGE). */
const LEAST_RESIDUALS = 9;

/** What can be chosen about a training run. */
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
  /** Days in a season. */
  readonly season: number;
  readonly seed: number;
}

/** What came out of a training run. */
export interface TrainResult extends Judgement {
  readonly forecaster: Forecaster;
  readonly test: TestDays;
  /** What tables call the baselines. */
  readonly labels: Readonly<Record<string, string>>;
  /** The epoch whose weights were kept, by the loss on the validation part. */
  readonly bestEpoch: number;
  readonly validationLoss: number;
  /** The learning curve. */
  readonly history: readonly EpochLosses[];
  /**
   * The norm of the loss's gradient at each day of a window, in one batch of the validation part; undefined where the
   * network is not recurrent.
   */
  readonly gradientFlow: readonly number[] | undefined;
  readonly split: TimeSplit;
}

/** How a training run goes, whatever is trained. */
interface TrainRun {
  readonly optimizer: OptimizerPlugin;
  /** What is told of its events. */
  readonly onEvent?: Consumer;
  /** Where checkpoints go, if anywhere. */
  readonly folder?: string;
  /** What a checkpoint must agree in. */
  readonly config?: CheckpointConfig;
  /** Whether to go on from the last checkpoint, or which one. */
  readonly resume?: boolean | string;
  /** Stops the run. */
  readonly signal?: AbortSignal;
  /** The ranks that share the work; this process alone where it is left out. */
  readonly communicator?: Communicator;
}

/** Prices made ready for a network: checked, split, scaled by the training part alone. */
export interface Prepared {
  readonly split: TimeSplit;
  readonly config: ForecasterConfig;
  readonly features: Series;
  readonly targets: Series;
  /** What needs no network, the reference first. */
  readonly baselines: Baselines;
}

function rowsOf({ data, columns }: Series, from: number, to: number): Series {
  return { data: data.subarray(from * columns, to * columns), columns };
}

/** A scaler that changes nothing. */
function unscaled(columns: number): ForecasterConfig["targetScaler"] {
  return { kind: "standard", mean: Array(columns).fill(0), deviation: Array(columns).fill(1) };
}

/**
 * Makes prices ready.
 *
 * @throws {RangeError} If the price, or what is forecast, does not change, or a season does not fit.
 */
export function prepare(prices: Prices, settings: TrainSettings, split: TimeSplit): Prepared {
  const { model, hidden, window, horizon, season } = settings;
  const [set, target] = [FEATURE_SETS[settings.features], TARGETS[settings.target]];
  const { warmUp } = set;
  const days = ({ from, to }: Part) => ({ from: from + warmUp, to: to + warmUp });
  const [train, test] = [days(split.train), days(split.test)];
  checkChange(prices, train, { doing: "train", part: "training" });
  checkChange(prices, test, { doing: "test", part: "test" });
  if (settings.target === "price" && season > test.from) {
    throw new RangeError(
      `Cannot test on ${prices.file}: a season of ${season} days must lie before the test part, got ${test.from} days there`,
    );
  }
  const baselines = BASELINES[settings.target]({ prices, horizon, season, train });
  checkReference(prices, baselines, test, settings);
  const features = featuresOf(prices, set);
  const targets = targetsOf(prices, target, horizon, warmUp);
  const { from, to } = split.train;
  const config: ForecasterConfig = {
    model,
    hidden,
    target: settings.target,
    horizon,
    window,
    featureSet: settings.features,
    features: set.names,
    featureScaler: StandardScaler.fit(rowsOf(features, 0, to)).state,
    targetScaler: target.scaled ? StandardScaler.fit(rowsOf(targets, from, to)).state : unscaled(targets.columns),
  };
  return { split, config, features, targets, baselines };
}

function checkChange(
  { close, file }: Prices,
  { from, to }: Part,
  { doing, part }: { doing: string; part: string },
): void {
  if (close.subarray(from, to + 1).some((price) => price !== close[from])) return;
  throw new RangeError(
    `Cannot ${doing} on ${file}: the price must change in the ${part} part, got the same one on every day`,
  );
}

/** There is no skill where nothing can be done better. */
function checkReference(
  prices: Prices,
  baselines: Baselines,
  { from, to }: Part,
  settings: Pick<TrainSettings, "target" | "horizon">,
): void {
  const target = TARGETS[settings.target];
  const happened = target.happened(prices, settings.horizon);
  const days = Array.from({ length: to - from }, (_, i) => from + i);
  const { label, of } = Object.values(baselines)[0]!;
  const forecasts = days.map((day) => target.shown(of(day), prices.close[day]!));
  if (!isPerfect(forecasts, days.map(happened))) return;
  throw new RangeError(
    `Cannot test on ${prices.file}: there must be something to foretell in the test part, got a ${settings.target} that ` +
      `${label} never misses`,
  );
}

/**
 * Trains a forecaster on the first part of a series, keeps its best epoch by the second, and tests it on the last;
 * undefined where it was stopped before.
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
  const { network, target } = forecaster;
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

  const parameters = network.parameters();
  const batches = windows(split.train, random.split());
  const steps = epochs * Math.ceil(batches.length / batchSize);
  const learningRate = cosineDecay(settings.learningRate, steps);
  const optimizer = new Optimizer(parameters, [clipByGlobalNorm(1), run.optimizer], { learningRate });
  const validation = windows(split.validation);
  const [best, curve] = [earlyStopping(parameters), history()];
  const { folder, resume = false, signal, onEvent = () => {}, communicator = single() } = run;
  const checkpoints = folder === undefined ? {} : {
    checkpoints: new Checkpoints({
      folder,
      everySteps: 500,
      ...(run.config && { config: run.config }),
      parts: { best, curve },
    }),
  };
  const events = train({
    model: network,
    optimizer,
    loss: target.loss,
    batches,
    validation,
    epochs,
    ...checkpoints,
    resume,
    ...(signal && { signal }),
    parallel: dataParallel({ optimizer, communicator }),
  });
  const last = await consume(events, onEvent, best, curve);
  if (last?.type === "done" && !last.finished) return undefined;

  forecaster.interval = calibrate(
    forecaster,
    validation,
    rowsOf(prepared.targets, split.validation.from, Infinity).data,
  );
  const baselines = { ...prepared.baselines, ridge: ridge(forecaster, { ...prepared, features }) };
  const test = forecastDays(prices, forecaster, split.test, windows(split.test), baselines);
  return {
    forecaster,
    test,
    labels: Object.fromEntries(Object.entries(baselines).map(([name, { label }]) => [name, label])),
    ...judge(test, target, settings.horizon),
    bestEpoch: best.epoch,
    validationLoss: best.loss,
    history: curve.epochs,
    gradientFlow: flowOf(forecaster, validation),
    split,
  };
}

/** How the gradient flows in the first batch. */
function flowOf(forecaster: Forecaster, windows: Windows): readonly number[] | undefined {
  for (const batch of windows) return forecaster.gradientFlow(batch);
}

/** The intervals around forecasts by the errors on days that chose the epoch, but that nothing was learned from. */
function calibrate(
  forecaster: Forecaster,
  windows: Windows,
  actual: Float32Array,
): ForecastInterval | undefined {
  if (!forecaster.target.hasInterval) return undefined;
  const columns = forecaster.ahead.length;
  const residuals: number[] = [];
  for (const { x } of windows) {
    for (const value of forecaster.forecast(x)) residuals.push(actual[residuals.length]! - value);
  }
  // With fewer no error is large enough to be that of the rarest day in ten.
  if (residuals.length / columns < LEAST_RESIDUALS) return undefined;
  const radii = forecaster.ahead.map((_, column) => {
    const errors = residuals.filter((_, i) => i % columns === column);
    return conformalInterval(errors, { coverage: COVERAGE }).radius;
  });
  return { coverage: COVERAGE, radii };
}

/** Ridge regression on what the network sees: scaled features, and the targets as they are. */
function ridge(
  forecaster: Forecaster,
  { split, features, targets }: Pick<Prepared, "split" | "features" | "targets">,
): Baselines[string] {
  const { window } = forecaster.config;
  const { warmUp } = forecaster.featureSet;
  const windows = (part: Part) => new Windows({ features, targets, past: window, ahead: 0, batchSize: 512, ...part });
  const regression = Ridge.fit(windows(split.train), windows(split.validation));
  const forecasts: number[] = [];
  for (const { x } of windows(split.test)) forecasts.push(...regression.predict(x));
  return {
    label: "ridge regression",
    of: (day) => forecaster.clamp(forecasts[day - warmUp - split.test.from]!),
  };
}

function forecastDays(
  prices: Prices,
  forecaster: Forecaster,
  { from, to }: Part,
  windows: Windows,
  baselines: Baselines,
): TestDays {
  const { target, ahead, featureSet, config: { horizon } } = forecaster;
  const first = from + featureSet.warmUp;
  const days = Array.from({ length: to - from }, (_, i) => first + i);
  const before = days.map((day) => prices.close[day]!);
  const index = ahead.length - 1;
  const values: number[] = [];
  for (const { x } of windows) {
    const forecasts = forecaster.forecast(x);
    for (let i = index; i < forecasts.length; i += ahead.length) values.push(forecasts[i]!);
  }
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad !== undefined) {
    throw new RangeError(
      `Cannot test on ${prices.file}: the model must give finite forecasts, got ${bad}; try a lower --learning-rate`,
    );
  }
  const shown = (of: (day: number, i: number) => number) =>
    days.map((day, i) => target.shown(of(day, i), prices.close[day]!));
  const ends = forecaster.interval &&
    values.map((value, i) => forecaster.intervalAround(value, index, before[i]!)!);
  return {
    dates: days.map((day) => prices.dates[day + horizon]!),
    made: days.map((day) => prices.dates[day]!),
    before,
    actual: days.map(target.happened(prices, horizon)),
    forecasts: {
      [MODEL]: shown((_, i) => values[i]!),
      ...Object.fromEntries(Object.entries(baselines).map(([name, { of }]) => [name, shown(of)])),
    },
    ...(ends && { interval: { low: ends.map(({ low }) => low), high: ends.map(({ high }) => high) } }),
  };
}
