import {
  decodeSafetensors,
  encodeSafetensors,
  loadParameters,
  Random,
  relu,
  SafetensorsError,
  type Tensor,
  tensor,
  uninitialized,
} from "@unfold/core";
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
import { type Batch, predict, type Series, StandardScaler, type StandardScalerState } from "@unfold/training";
import { CELLS } from "../shared/choices.ts";
import { checkFinite, makeRecurrent } from "../shared/models.ts";
import {
  FEATURE_SET_NAMES,
  FEATURE_SETS,
  type FeatureSet,
  type FeatureSetName,
  featuresOf,
  Flatten,
} from "./features.ts";
import type { Prices } from "./prices.ts";
import { LONGEST_HORIZON, type Target, TARGET_NAMES, type TargetName, TARGETS } from "./targets.ts";

/** The models that the app knows. */
export const MODELS = [...CELLS, "mlp"] as const;
/** Those that are compared and tuned. */
export const COMPARED_MODELS: readonly (typeof MODELS)[number][] = ["lstm", "gru", "rnn", "mlp"];

/** All that is needed to build the network and to feed it. */
export interface ForecasterConfig {
  readonly model: (typeof MODELS)[number];
  readonly hidden: number;
  /** Recurrent layers, one on the other; one where it is left out. */
  readonly layers?: number;
  readonly target: TargetName;
  /** Days ahead. */
  readonly horizon: number;
  /** Days in a window. */
  readonly window: number;
  readonly featureSet: FeatureSetName;
  /** The names of its columns. */
  readonly features: readonly string[];
  /** Fitted on the features of the training part. */
  readonly featureScaler: StandardScalerState;
  /** Fitted on the targets of the training part. */
  readonly targetScaler: StandardScalerState;
}

/** Intervals around forecasts, from errors that the network did not learn from. */
export interface ForecastInterval {
  /** How often each is to hold what happens. */
  readonly coverage: number;
  /** Half its width for each of the days ahead, in the units that are learned. */
  readonly radii: readonly number[];
}

/** The key of the configuration in a model file's metadata. */
const METADATA_KEY = "unfold.stock";

/** Forecasts a target from a window of days. */
export class Forecaster {
  readonly config: ForecasterConfig;
  readonly network: Sequential;
  /** Known once the network is trained; undefined where there were too few days to tell, or the target has none. */
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

  /** What the network sees. */
  get featureSet(): FeatureSet {
    return FEATURE_SETS[this.config.featureSet];
  }

  /** What it forecasts. */
  get target(): Target {
    return TARGETS[this.config.target];
  }

  /** The days ahead that it forecasts. */
  get ahead(): readonly number[] {
    return this.target.ahead(this.config.horizon);
  }

  /** Features as the network takes them. */
  scaleFeatures(series: Series): Series {
    return this.#features.transform(series);
  }

  /** Targets as the network learns them. */
  scaleTargets(series: Series): Series {
    return this.#targets.transform(series);
  }

  /**
   * Forecasts from scaled windows, [batch, window, features], in the units that are learned: a row a window, a column a
   * day ahead.
   */
  forecast(x: Batch["x"]): Float32Array {
    using output = predict(this.network, x);
    const { data } = this.#targets.inverse({ data: output.data, columns: this.ahead.length });
    return data.map((value) => this.clamp(this.target.fromOutput(value)));
  }

  /** A forecast moved to where the target can be. */
  clamp(value: number): number {
    const [low, high] = this.target.range;
    return Math.min(high, Math.max(low, value));
  }

  /** The interval around a forecast for the day ahead with this index, as people read it. */
  intervalAround(value: number, index: number, close: number): { low: number; high: number } | undefined {
    if (this.interval === undefined) return undefined;
    const end = (sign: number) => this.target.shown(this.clamp(value + sign * this.interval!.radii[index]!), close);
    return { low: end(-1), high: end(1) };
  }

  /** How the loss's gradient flows back through the days of a window; undefined where the network is not recurrent. */
  gradientFlow({ x, y }: Batch): readonly number[] | undefined {
    const [recurrent, ...rest] = this.network.layers;
    if (this.config.model === "mlp") return undefined;
    const head = new Sequential(rest);
    const loss = (output: Tensor) => this.target.loss(head.forward(output), y);
    return [...gradientFlow(recurrent as RecurrentLayer<RecurrentState>, x as Tensor, loss)];
  }

  /**
   * The forecast from the last day on.
   *
   * @throws {RangeError} If there are too few days for a window.
   */
  next(prices: Prices): Outlook {
    const { window, target, horizon } = this.config;
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
    const steps = this.ahead.map((ahead, i) => {
      const value = this.target.shown(values[i]!, close);
      if (!Number.isFinite(value) || (target === "price" && value === 0)) {
        throw new RangeError(
          `Cannot forecast from ${prices.file}: the model must give a finite ${target}, got ${value}`,
        );
      }
      const interval = this.intervalAround(values[i]!, i, close);
      return { ahead, value, ...(interval && { interval: { coverage: this.interval!.coverage, ...interval } }) };
    });
    return { target, horizon, after: prices.dates.at(-1)!, close, steps };
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
      if ((config.layers ?? 1) > tensors.size) {
        throw new TypeError(`its layers must be ${tensors.size} at most, got ${config.layers}`);
      }
      const forecaster = uninitialized(() => new Forecaster(config, new Random(0)));
      loadParameters(forecaster.network.parameters(), tensors);
      checkFinite(forecaster.network.parameters());
      forecaster.interval = interval;
      return forecaster;
    } catch (error) {
      throw new SafetensorsError(`Cannot read ${file}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** What is to be expected after the last day. */
export interface Outlook {
  readonly target: TargetName;
  readonly horizon: number;
  /** The last day that is known, and its close. */
  readonly after: string;
  readonly close: number;
  /** As people read it: a price, a probability, percent a year. */
  readonly steps: readonly {
    /** Days ahead. */
    readonly ahead: number;
    readonly value: number;
    readonly interval?: { readonly coverage: number; readonly low: number; readonly high: number };
  }[];
}

/** What comes before the last layer: [batch, window, features] → [batch, hidden]. */
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
  check("layers", config.layers === undefined || isSize(config.layers), "a whole number of 1 or more");
  check("target", TARGET_NAMES.some((name) => name === config.target), `one of ${TARGET_NAMES.join(", ")}`);
  check(
    "horizon",
    isSize(config.horizon) && (config.horizon as number) <= LONGEST_HORIZON,
    `a whole number of days, ${LONGEST_HORIZON} at most`,
  );
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
  const outputs = TARGETS[config.target as TargetName].ahead(config.horizon as number).length;
  check("targetScaler", isScaler(config.targetScaler, outputs), `means and deviations of ${outputs} columns`);
  const { coverage, radii } = Object(config.interval) as Partial<Record<keyof ForecastInterval, unknown>>;
  const isInterval = typeof coverage === "number" && coverage > 0 && coverage < 1 && Array.isArray(radii) &&
    radii.length === outputs && radii.every((radius) => radius >= 0);
  check("interval", config.interval === undefined || isInterval, `a coverage and ${outputs} radii`);
  return config as ReturnType<typeof parseConfig>;
}
