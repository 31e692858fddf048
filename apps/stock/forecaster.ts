import { type NamedParameters, Random, relu, reshape, type Tensor, tensor } from "@unfold/core";
import {
  Dense,
  gradientFlow,
  Lambda,
  LastStep,
  type Layer,
  type RecurrentLayer,
  type RecurrentState,
  Sequential,
} from "@unfold/layers";
import {
  type Batch,
  conformalInterval,
  predict,
  type Series,
  StandardScaler,
  type StandardScalerState,
} from "@unfold/training";
import { CELLS } from "../shared/choices.ts";
import {
  checkAxis,
  checkerOf,
  checkWeights,
  decodeModel,
  encodeModel,
  isSize,
  type RawConfig,
} from "../shared/model_file.ts";
import { makeRecurrent } from "../shared/models.ts";
import { denseSizes, recurrentSizes, type Sizes, sum } from "../shared/sizes.ts";
import { FEATURE_SET_NAMES, FEATURE_SETS, type FeatureSet, type FeatureSetName, featuresOf } from "./features.ts";
import { finite, listOf, notNegative, optional, positive, recordOf, type Shape } from "../shared/shapes.ts";
import type { Prices } from "./prices.ts";
import { DAILY, DATE, datesAfter, differ, RHYTHM, type Rhythm, stepName } from "./rhythm.ts";
import { LONGEST_HORIZON, type Target, TARGET_NAMES, type TargetName, targetOf } from "./targets.ts";

/** The networks. */
export const MODELS = [...CELLS, "mlp"] as const;
/** The networks that `compare` and `tune` try. */
export const COMPARED_MODELS: readonly (typeof MODELS)[number][] = ["lstm", "gru", "rnn", "mlp"];

/** Everything needed to build the network and feed it. */
export interface ForecasterConfig {
  readonly model: (typeof MODELS)[number];
  readonly hidden: number;
  /** The number of stacked recurrent layers. Default: 1. */
  readonly layers?: number;
  readonly target: TargetName;
  /** The forecast horizon in days. */
  readonly horizon: number;
  /** Days in a window. */
  readonly window: number;
  readonly featureSet: FeatureSetName;
  /** The feature names, in column order. */
  readonly features: readonly string[];
  /** Fitted to the features of the training part. */
  readonly featureScaler: StandardScalerState;
  /** Fitted to the targets of the training part. */
  readonly targetScaler: StandardScalerState;
  /** How often the training series has a row. Default: trading days. */
  readonly rhythm?: Rhythm;
  /** The lowest and the highest price that it was trained on. */
  readonly level?: readonly [low: number, high: number];
  /** The last date whose price the network or its choice of epoch has seen. */
  readonly seenUntil?: string;
}

/** Prediction intervals, computed from errors on data that the network was not trained on. */
export interface ForecastInterval {
  /** The fraction of actual values that each interval should contain. */
  readonly coverage: number;
  /** Half the width for each day ahead, in the target's own units. */
  readonly radii: readonly number[];
}

/** The coverage of the intervals. */
const COVERAGE = 0.9;
/** COVERAGE/(1 − COVERAGE): with fewer errors, none is large enough to bound the worst day in ten. */
const LEAST_ERRORS = 9;

/** Prices this many times as high or low as those of the training are at another level. */
const LEVEL_REACH = 10;

/** The key of the configuration in a model file's metadata. */
const METADATA_KEY = "unfold.stock";

/** A network with its scalers: forecasts a target from a window of days. */
export class Forecaster {
  readonly config: ForecasterConfig;
  readonly network: Sequential;
  /** Set by {@linkcode Forecaster.calibrate}; undefined if the target has no interval or there were too few errors. */
  interval: ForecastInterval | undefined;
  readonly #features: StandardScaler;
  readonly #targets: StandardScaler;

  constructor(config: ForecasterConfig, random: Random) {
    const { hidden } = config;
    this.config = config;
    this.#features = new StandardScaler(config.featureScaler);
    this.#targets = new StandardScaler(config.targetScaler);
    this.network = new Sequential([
      ...hiddenLayers(config, random),
      new Dense({ inputSize: hidden, outputSize: this.ahead.length, random }),
    ]);
  }

  /** The features that the network sees. */
  get featureSet(): FeatureSet {
    return FEATURE_SETS[this.config.featureSet];
  }

  /** What it forecasts. */
  get target(): Target {
    return targetOf(this.config.target, this.rhythm);
  }

  /** How often the series that it was trained on has a row. */
  get rhythm(): Rhythm {
    return this.config.rhythm ?? DAILY;
  }

  /** The days ahead that it forecasts. */
  get ahead(): readonly number[] {
    return this.target.ahead(this.config.horizon);
  }

  /** Scales features for the network. */
  scaleFeatures(series: Series): Series {
    return this.#features.transform(series);
  }

  /** Scales targets for the network. */
  scaleTargets(series: Series): Series {
    return this.#targets.transform(series);
  }

  /**
   * Forecasts from scaled windows, [batch, window, features].
   *
   * @returns Forecasts in the target's own units: a row per window, a column per day ahead.
   */
  forecast(x: Batch["x"]): Float32Array {
    using output = predict(this.network, x);
    const { data } = this.#targets.inverse({ data: output.data, columns: this.ahead.length });
    return data.map((value) => this.clamp(this.target.fromOutput(value)));
  }

  /** Moves a forecast into the target's range. */
  clamp(value: number): number {
    const [low, high] = this.target.range;
    return Math.min(high, Math.max(low, value));
  }

  /**
   * Sets the intervals by split conformal prediction: their radii are quantiles of the absolute errors on held-out days.
   *
   * @param batches Scaled windows of the validation days, which the network was not trained on.
   * @param actual The targets of these days in their own units, a column per day ahead.
   */
  calibrate(batches: Iterable<Batch>, actual: Float32Array): void {
    if (!this.target.hasInterval) return;
    const columns = this.ahead.length;
    const errors: number[] = [];
    for (const { x } of batches) {
      for (const value of this.forecast(x)) errors.push(actual[errors.length]! - value);
    }
    if (errors.length / columns < LEAST_ERRORS) return;
    const radii = this.ahead.map((_, column) => {
      return conformalInterval(errors.filter((_, i) => i % columns === column), { coverage: COVERAGE }).radius;
    });
    this.interval = { coverage: COVERAGE, radii };
  }

  /** The interval around a forecast for the day ahead with this index, in display units. */
  intervalAround(value: number, index: number, close: number): { low: number; high: number } | undefined {
    if (this.interval === undefined) return undefined;
    const end = (sign: number) => this.target.shown(this.clamp(value + sign * this.interval!.radii[index]!), close);
    return { low: end(-1), high: end(1) };
  }

  /**
   * The forecast made on the last day.
   *
   * @throws {RangeError} If there are too few days for a window, or the forecast is not finite.
   */
  next(prices: Prices): Outlook {
    const { window, target, horizon } = this.config;
    this.checkSeries(prices, "forecast from");
    const least = this.featureSet.warmUp + window;
    const days = prices.dates.length;
    if (days < least) {
      throw new RangeError(`Cannot forecast from ${prices.file}: it must have at least ${least} rows, got ${days}`);
    }
    const { data, columns } = this.scaleFeatures(featuresOf(prices, this.featureSet));
    const last = data.subarray(data.length - window * columns);
    using x = tensor(last, { shape: [1, window, columns] });
    const values = this.forecast(x);
    const close = prices.close.at(-1)!;
    const dates = datesAfter(prices.dates, prices.rhythm, horizon);
    const steps = this.ahead.map((ahead, i) => {
      const value = this.target.shown(values[i]!, close);
      if (!Number.isFinite(value) || (target === "price" && value === 0)) {
        throw new RangeError(
          `Cannot forecast from ${prices.file}: the model must give a finite ${target}, got ${value}`,
        );
      }
      const interval = this.intervalAround(values[i]!, i, close);
      return {
        ahead,
        date: dates[ahead - 1]!,
        value,
        ...(interval && { interval: { coverage: this.interval!.coverage, ...interval } }),
      };
    });
    return { target, horizon, rhythm: this.rhythm, after: prices.dates.at(-1)!, close, steps };
  }

  /**
   * Checks that a series has the frequency and, if it matters, the level that the network was trained on.
   *
   * @param doing What the series is for, in messages: "forecast from".
   * @throws {RangeError} If it has not.
   */
  checkSeries({ file, rhythm, close }: Prices, doing: string): void {
    const { config: { level, target }, featureSet } = this;
    const fail = (problem: string) => {
      throw new RangeError(`Cannot ${doing} ${file}: ${problem}`);
    };
    if (this.config.rhythm !== undefined && differ(rhythm, this.rhythm)) {
      fail(
        `the model was trained on a row every ${stepName(this.rhythm)}, got one every ${stepName(rhythm)}; ` +
          "give it a file like that, or train a model on this one",
      );
    }
    if (level === undefined || !(featureSet.hasLevel || target === "change")) return;
    const [low, high] = level;
    const last = close.at(-1)!;
    const reach = LEVEL_REACH * Math.max(Math.abs(low), Math.abs(high), high - low);
    const isNear = last <= reach && last >= (low > 0 ? low / LEVEL_REACH : -reach);
    if (!isNear) {
      fail(
        `the model was trained on prices from ${low} to ${high}, got ${last} at the end; bring the file to the same ` +
          "unit, or train a model on this one",
      );
    }
  }

  /** The norm of the loss's gradient at each day of a window; undefined if the network is not recurrent. */
  gradientFlow({ x, y }: Batch): readonly number[] | undefined {
    const [recurrent, ...rest] = this.network.layers;
    if (this.config.model === "mlp") return undefined;
    const head = new Sequential(rest);
    const loss = (output: Tensor) => this.target.loss(head.forward(output), y);
    return [...gradientFlow(recurrent as RecurrentLayer<RecurrentState>, x as Tensor, loss)];
  }

  /** The model as a safetensors file: the weights, and the configuration as metadata. */
  encode(): Uint8Array<ArrayBuffer> {
    return encodeModel(METADATA_KEY, { ...this.config, interval: this.interval }, this.network);
  }

  /**
   * Reads a model that {@linkcode Forecaster.encode} wrote.
   *
   * @param file The file's name, for messages.
   * @throws {SafetensorsError} If the file is damaged or is not a model of this app.
   */
  static decode(bytes: Uint8Array<ArrayBuffer>, file: string): Forecaster {
    return decodeModel(bytes, {
      file,
      key: METADATA_KEY,
      build: (raw, tensors) => {
        checkConfig(raw, tensors.size);
        const { interval, ...config } = raw as unknown as ForecasterConfig & { interval?: ForecastInterval };
        if (config.model === "mlp") checkAxis(tensors, "1.weight", 1, config.hidden);
        else checkAxis(tensors, "0.recurrentWeight", 0, config.hidden);
        checkWeights(tensors, forecasterSizes(config, 1).weights);
        const forecaster = new Forecaster(config, new Random(0));
        forecaster.interval = interval;
        return forecaster;
      },
    });
  }
}

/** The forecast made on the last day of a series. */
export interface Outlook {
  readonly target: TargetName;
  readonly horizon: number;
  /** How often there is a row. */
  readonly rhythm: Rhythm;
  /** The last known day. */
  readonly after: string;
  /** Its close. */
  readonly close: number;
  /** In display units: a price, a probability, percent a year. */
  readonly steps: readonly {
    /** Days ahead. */
    readonly ahead: number;
    /** The date of that day, by the calendar of the series. */
    readonly date: string;
    readonly value: number;
    readonly interval?: { readonly coverage: number; readonly low: number; readonly high: number };
  }[];
}

/** The layers before the last one: [batch, window, features] → [batch, hidden]. */
function hiddenLayers({ model, hidden, layers = 1, window, features }: ForecasterConfig, random: Random): Layer[] {
  const inputSize = features.length;
  if (model === "mlp") {
    return [
      new Flatten(),
      new Dense({ inputSize: window * inputSize, outputSize: hidden, random }),
      new Lambda(relu),
      new Dense({ inputSize: hidden, outputSize: hidden, random }),
      new Lambda(relu),
    ];
  }
  return [makeRecurrent({ cell: model, inputSize, hiddenSize: hidden, layers, random }), new LastStep()];
}

/** How much the network of a configuration takes, for batches of this many windows. */
export function forecasterSizes(config: ForecasterConfig, batch: number): Sizes {
  const { model, hidden, layers, window, features: { length: inputs }, target, horizon } = config;
  const head = denseSizes({ inputs: hidden, outputs: targetOf(target).ahead(horizon).length, rows: batch });
  if (model !== "mlp") {
    return sum(recurrentSizes({ cell: model, inputSize: inputs, hidden, layers }, { batch, time: window }), head);
  }
  const flat = denseSizes({ inputs: window * inputs, outputs: hidden, rows: batch });
  return sum(flat, denseSizes({ inputs: hidden, outputs: hidden, rows: batch }), head);
}

/** Flattens the days of a window: [batch, window, features] → [batch, window·features]. */
export class Flatten implements Layer {
  parameters(): NamedParameters {
    return {};
  }

  forward(x: Tensor): Tensor {
    const [batch, window, features] = x.shape as [number, number, number];
    return reshape(x, [batch, window * features]);
  }
}

/** Checks a configuration from a file with this number of tensors. */
function checkConfig(config: RawConfig, tensors: number): void {
  const check = checkerOf(config);
  const isScaler = (value: unknown, columns: number) => {
    const { mean, deviation } = Object(value) as Partial<Record<keyof StandardScalerState, unknown>>;
    return [mean, deviation].every((part) =>
      Array.isArray(part) && part.length === columns && part.every(Number.isFinite)
    );
  };
  check("model", MODELS.some((name) => name === config.model), `one of ${MODELS.join(", ")}`);
  check("hidden", isSize(config.hidden), "a positive integer");
  check("window", isSize(config.window), "a positive integer");
  const { layers = 1, horizon } = config;
  check("layers", isSize(layers), "a positive integer");
  check("layers", (layers as number) <= tensors, `at most ${tensors}`);
  check("target", TARGET_NAMES.some((name) => name === config.target), `one of ${TARGET_NAMES.join(", ")}`);
  check("horizon", isSize(horizon) && horizon <= LONGEST_HORIZON, `an integer from 1 to ${LONGEST_HORIZON}`);
  check(
    "featureSet",
    FEATURE_SET_NAMES.some((name) => name === config.featureSet),
    `one of ${FEATURE_SET_NAMES.join(", ")}`,
  );
  const { names } = FEATURE_SETS[config.featureSet as FeatureSetName];
  check("features", JSON.stringify(config.features) === JSON.stringify(names), names.join(", "));
  const inputs = names.length;
  check("featureScaler", isScaler(config.featureScaler, inputs), `means and deviations of ${inputs} columns`);
  const target = targetOf(config.target as TargetName);
  const outputs = target.ahead(horizon as number).length;
  check("targetScaler", isScaler(config.targetScaler, outputs), `means and deviations of ${outputs} columns`);
  const { rhythm, level, seenUntil, interval } = config;
  const isSound = (shape: Shape, value: unknown) => shape(value, "") === undefined;
  check("rhythm", isSound(optional(RHYTHM), rhythm), "a unit of time and the number of them in a step");
  const isLevel = isSound(listOf(finite, 2), level) && (level as number[])[0]! <= (level as number[])[1]!;
  check("level", level === undefined || isLevel, "the lowest and the highest price");
  check("seenUntil", isSound(optional(DATE), seenUntil), "a date");
  const { coverage } = Object(interval) as Partial<Record<keyof ForecastInterval, unknown>>;
  const isInterval = isSound(recordOf({ coverage: positive, radii: listOf(notNegative, outputs) }), interval) &&
    Number(coverage) < 1;
  check(
    "interval",
    interval === undefined || (target.hasInterval && isInterval),
    target.hasInterval
      ? `a coverage between 0 and 1 and ${outputs} radii of 0 or more`
      : `missing for a ${config.target}`,
  );
}
