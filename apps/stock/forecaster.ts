import {
  decodeSafetensors,
  encodeSafetensors,
  loadParameters,
  Random,
  relu,
  reshape,
  SafetensorsError,
  tensor,
  uninitialized,
} from "@unfold/core";
import { Dense, GRU, Lambda, LastStep, type Layer, LSTM, Sequential, SimpleRNN } from "@unfold/layers";
import { predict, type Series, StandardScaler, type StandardScalerState } from "@unfold/training";
import { FEATURE_SET_NAMES, FEATURE_SETS, type FeatureSet, type FeatureSetName, featuresOf } from "./features.ts";
import type { Prices } from "./prices.ts";

/** The models that the app knows. */
export const MODELS = ["lstm", "gru", "rnn", "mlp"] as const;

/** All that is needed to build the network and to feed it. */
export interface ForecasterConfig {
  readonly model: (typeof MODELS)[number];
  readonly hidden: number;
  /** Days in a window. */
  readonly window: number;
  readonly featureSet: FeatureSetName;
  /** The names of its columns. */
  readonly features: readonly string[];
  /** Fitted on the features of the training part. */
  readonly featureScaler: StandardScalerState;
  /** Fitted on the log returns of the training part. */
  readonly targetScaler: StandardScalerState;
}

/** An interval around forecasts of the log return, from errors that the network did not learn from. */
export interface ForecastInterval {
  /** How often it is to hold what happens. */
  readonly coverage: number;
  /** Half its width. */
  readonly radius: number;
}

/** The key of the configuration in a model file's metadata. */
const METADATA_KEY = "unfold.stock";

/** Predicts the next day's log return from a window of days. */
export class Forecaster {
  readonly config: ForecasterConfig;
  readonly network: Sequential;
  /** Known once the network is trained; undefined where there were too few days to tell. */
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
      new Dense({ inputSize: hidden, outputSize: 1, random }),
    ]);
  }

  /** What the network sees. */
  get featureSet(): FeatureSet {
    return FEATURE_SETS[this.config.featureSet];
  }

  /** Features as the network takes them. */
  scaleFeatures(series: Series): Series {
    return this.#features.transform(series);
  }

  /** Log returns as the network learns them. */
  scaleTargets(series: Series): Series {
    return this.#targets.transform(series);
  }

  /** What the network gives for scaled windows, [batch, window, features], as log returns. */
  logReturns(x: Parameters<Sequential["forward"]>[0]): Float32Array {
    using output = predict(this.network, x);
    return this.#targets.inverse({ data: output.data, columns: 1 }).data;
  }

  /**
   * The forecast for the day after the last one.
   *
   * @throws {RangeError} If there are too few days for a window.
   */
  next(prices: Prices): NextDay {
    const { window } = this.config;
    const least = this.featureSet.warmUp + window;
    const days = prices.dates.length;
    if (days < least) {
      throw new RangeError(`Cannot forecast from ${prices.file}: it must have at least ${least} rows, got ${days}`);
    }
    const { data, columns } = this.scaleFeatures(featuresOf(prices, this.featureSet));
    const last = data.subarray(data.length - window * columns);
    using x = tensor(last, { shape: [1, window, columns] });
    const logReturn = this.logReturns(x)[0]!;
    const close = prices.close.at(-1)! * Math.exp(logReturn);
    if (!(close > 0 && close < Infinity)) {
      throw new RangeError(
        `Cannot forecast from ${prices.file}: the model must give a finite price, got ${close} (log return ${logReturn})`,
      );
    }
    if (this.interval === undefined) return { logReturn, close };
    const { coverage, radius } = this.interval;
    const end = (sign: number) => prices.close.at(-1)! * Math.exp(logReturn + sign * radius);
    return { logReturn, close, interval: { coverage, low: end(-1), high: end(1) } };
  }

  /** The model as a safetensors file: weights, and the configuration as metadata. */
  encode(): Uint8Array<ArrayBuffer> {
    const metadata = { [METADATA_KEY]: JSON.stringify({ ...this.config, interval: this.interval }) };
    return encodeSafetensors(Object.entries(this.network.parameters()), { metadata });
  }

  /**
   * Reads a model that {@linkcode Forecaster.encode} wrote.
   *
   * @param file The file's name, for messages.
   * @throws {SafetensorsError} If the file is damaged or no model of this app.
   */
  static decode(bytes: Uint8Array<ArrayBuffer>, file: string): Forecaster {
    const { tensors, metadata } = decodeSafetensors(bytes, { file });
    try {
      const { interval, ...config } = parseConfig(metadata[METADATA_KEY]);
      // Before the network is built: a wrong size may be a very large one.
      const [name, axis] = config.model === "mlp" ? ["1.weight", 1] as const : ["0.recurrentWeight", 0] as const;
      const found = tensors.get(name)?.shape[axis];
      if (found !== config.hidden) {
        throw new TypeError(`${name} must have ${config.hidden} ${axis === 0 ? "rows" : "columns"}, got ${found}`);
      }
      const forecaster = uninitialized(() => new Forecaster(config, new Random(0)));
      loadParameters(forecaster.network.parameters(), tensors);
      forecaster.interval = interval;
      return forecaster;
    } catch (error) {
      throw new SafetensorsError(`Cannot read ${file}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** A forecast of the day after the last one. */
export interface NextDay {
  readonly logReturn: number;
  readonly close: number;
  readonly interval?: { readonly coverage: number; readonly low: number; readonly high: number };
}

/** What comes before the last layer: [batch, window, features] → [batch, hidden]. */
function hiddenLayers({ model, hidden, window, features }: ForecasterConfig, random: Random): Layer[] {
  const inputSize = features.length;
  if (model === "mlp") {
    return [
      new Lambda((x) => reshape(x, [x.shape[0]!, window * inputSize])),
      new Dense({ inputSize: window * inputSize, outputSize: hidden, random }),
      new Lambda(relu),
      new Dense({ inputSize: hidden, outputSize: hidden, random }),
      new Lambda(relu),
    ];
  }
  const options = { inputSize, hiddenSize: hidden, random };
  const recurrent = model === "rnn" ? new SimpleRNN(options) : model === "gru" ? new GRU(options) : new LSTM(options);
  return [recurrent, new LastStep()];
}

/** Checks a configuration as a file holds it: JSON from anywhere. */
function parseConfig(text: string | undefined): ForecasterConfig & { interval: ForecastInterval | undefined } {
  if (text === undefined) {
    throw new TypeError(`it must be a model of this app, got none of its ${METADATA_KEY} metadata`);
  }
  const config = Object(JSON.parse(text)) as Partial<Record<keyof ForecasterConfig | "interval", unknown>>;
  const check = (name: keyof typeof config, sound: boolean, wanted: string) => {
    if (!sound) throw new TypeError(`its ${name} must be ${wanted}, got ${JSON.stringify(config[name])}`);
  };
  const isSize = (value: unknown) => Number.isInteger(value) && (value as number) >= 1;
  const isScaler = (value: unknown, columns: number) => {
    const { mean, deviation } = Object(value) as Partial<Record<keyof StandardScalerState, unknown>>;
    return [mean, deviation].every((part) =>
      Array.isArray(part) && part.length === columns && part.every(Number.isFinite)
    );
  };
  check("model", MODELS.some((name) => name === config.model), `one of ${MODELS.join(", ")}`);
  check("hidden", isSize(config.hidden), "a whole number of 1 or more");
  check("window", isSize(config.window), "a whole number of days");
  check(
    "featureSet",
    FEATURE_SET_NAMES.some((name) => name === config.featureSet),
    `one of ${FEATURE_SET_NAMES.join(", ")}`,
  );
  const { names } = FEATURE_SETS[config.featureSet as FeatureSetName];
  check("features", JSON.stringify(config.features) === JSON.stringify(names), names.join(", "));
  check(
    "featureScaler",
    isScaler(config.featureScaler, names.length),
    `means and deviations of ${names.length} columns`,
  );
  check("targetScaler", isScaler(config.targetScaler, 1), "mean and deviation of one column");
  const { coverage, radius } = Object(config.interval) as Partial<Record<keyof ForecastInterval, unknown>>;
  const isInterval = typeof coverage === "number" && coverage > 0 && coverage < 1 && typeof radius === "number" &&
    radius >= 0;
  check("interval", config.interval === undefined || isInterval, "coverage and radius");
  return config as ReturnType<typeof parseConfig>;
}
