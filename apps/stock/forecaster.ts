import {
  decodeSafetensors,
  encodeSafetensors,
  loadParameters,
  Random,
  SafetensorsError,
  tensor,
  uninitialized,
} from "@unfold/core";
import { Dense, LastStep, LSTM, Sequential } from "@unfold/layers";
import { predict, type Series, StandardScaler, type StandardScalerState } from "@unfold/training";
import { FEATURES, featuresOf, WARM_UP } from "./features.ts";
import type { Prices } from "./prices.ts";

/** The models that the app knows. */
export const MODELS = ["lstm"] as const;

/** All that is needed to build the network and to feed it. */
export interface ForecasterConfig {
  readonly model: (typeof MODELS)[number];
  readonly hidden: number;
  /** Days in a window. */
  readonly window: number;
  readonly features: readonly string[];
  /** Fitted on the features of the training part. */
  readonly featureScaler: StandardScalerState;
  /** Fitted on the log returns of the training part. */
  readonly targetScaler: StandardScalerState;
}

/** The key of the configuration in a model file's metadata. */
const METADATA_KEY = "unfold.stock";

/** Predicts the next day's log return from a window of days. */
export class Forecaster {
  readonly config: ForecasterConfig;
  readonly network: Sequential;
  readonly #features: StandardScaler;
  readonly #targets: StandardScaler;

  constructor(config: ForecasterConfig, random: Random) {
    const { hidden } = config;
    this.config = config;
    this.#features = new StandardScaler(config.featureScaler);
    this.#targets = new StandardScaler(config.targetScaler);
    this.network = new Sequential([
      new LSTM({ inputSize: config.features.length, hiddenSize: hidden, random }),
      new LastStep(),
      new Dense({ inputSize: hidden, outputSize: 1, random }),
    ]);
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
  next(prices: Prices): { logReturn: number; close: number } {
    const { window } = this.config;
    const least = WARM_UP + window;
    const days = prices.dates.length;
    if (days < least) {
      throw new RangeError(`Cannot forecast from ${prices.file}: it must have at least ${least} rows, got ${days}`);
    }
    const { data, columns } = this.scaleFeatures(featuresOf(prices));
    const last = data.subarray(data.length - window * columns);
    using x = tensor(last, { shape: [1, window, columns] });
    const logReturn = this.logReturns(x)[0]!;
    const close = prices.close.at(-1)! * Math.exp(logReturn);
    if (!(close > 0 && close < Infinity)) {
      throw new RangeError(
        `Cannot forecast from ${prices.file}: the model must give a finite price, got ${close} (log return ${logReturn})`,
      );
    }
    return { logReturn, close };
  }

  /** The model as a safetensors file: weights, and the configuration as metadata. */
  encode(): Uint8Array<ArrayBuffer> {
    const metadata = { [METADATA_KEY]: JSON.stringify(this.config) };
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
      const config = parseConfig(metadata[METADATA_KEY]);
      // Before the network is built: a wrong size may be a very large one.
      const found = tensors.get("0.recurrentWeight")?.shape[0];
      if (found !== config.hidden) {
        throw new TypeError(`0.recurrentWeight must have ${config.hidden} rows, got ${found}`);
      }
      const forecaster = uninitialized(() => new Forecaster(config, new Random(0)));
      loadParameters(forecaster.network.parameters(), tensors);
      return forecaster;
    } catch (error) {
      throw new SafetensorsError(`Cannot read ${file}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** Checks a configuration as a file holds it: JSON from anywhere. */
function parseConfig(text: string | undefined): ForecasterConfig {
  if (text === undefined) {
    throw new TypeError(`it must be a model of this app, got none of its ${METADATA_KEY} metadata`);
  }
  const config = Object(JSON.parse(text)) as Partial<Record<keyof ForecasterConfig, unknown>>;
  const check = (name: keyof ForecasterConfig, sound: boolean, wanted: string) => {
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
  check("features", JSON.stringify(config.features) === JSON.stringify(FEATURES), FEATURES.join(", "));
  check(
    "featureScaler",
    isScaler(config.featureScaler, FEATURES.length),
    `means and deviations of ${FEATURES.length} columns`,
  );
  check("targetScaler", isScaler(config.targetScaler, 1), "mean and deviation of one column");
  return config as ForecasterConfig;
}
