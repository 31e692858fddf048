import { empty, noGrad, Random, scope } from "@unfold/core";
import { single } from "@unfold/distributed";
import { adam } from "@unfold/optimizers";
import { type Consumer, type EpochLosses, progressBar } from "@unfold/training";
import { type CellName, CELLS } from "../shared/choices.ts";
import { fit, type FitRun } from "../shared/fit.ts";
import { checkMemory } from "../shared/memory.ts";
import { checkerOf, isNames, isSize, type RawConfig } from "../shared/model_file.ts";
import { quoted } from "../shared/printable.ts";
import { oneOf } from "../shared/shapes.ts";
import { FREQUENCY_UNITS } from "../shared/tables/frequency.ts";
import { GlobalNetwork, type NetworkConfig, networkSizes, pinballLoss } from "./network.ts";
import { LEVELS, type Quantiles } from "./quantiles.ts";
import {
  errorScales,
  FixedWindows,
  lastOrigins,
  RandomWindows,
  scaleWindow,
  type Scaling,
  SCALINGS,
  type WindowSource,
} from "./windows.ts";

/** What a network sees: the values, or their logarithms, in which steps are relative. */
export const SCALES = ["log", "linear"] as const;
export type ScaleName = (typeof SCALES)[number];

/** The scale for series: logarithms if all values are above 0. */
export function scaleFor(series: readonly Float64Array[]): ScaleName {
  return series.every((values) => values.every((value) => value > 0)) ? "log" : "linear";
}

/** What a model must know of the series it was trained on. */
export interface ModelConfig extends NetworkConfig {
  readonly horizon: number;
  readonly season: number;
  readonly scale: ScaleName;
  /** How windows are scaled. */
  readonly scaling: Scaling;
  /** The unit of the dates and the units in a step. */
  readonly frequency: string;
  /** The ids of the series, in the order of their embeddings. */
  readonly ids: readonly string[];
}

/** The settings of a training run. */
export interface TrainingSettings {
  readonly cell: CellName;
  readonly hidden: number;
  /** The fraction of features that the network drops while it trains. */
  readonly dropout: number;
  /** Batches in all. */
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
}

/** Segments of the past that a network sees at most, and at least. */
const [MOST_SEGMENTS, LEAST_SEGMENTS] = [14, 2];
/** Steps in a segment at most and, without a season, at least. */
const [MOST_STEPS, LEAST_STEPS] = [64, 4];
/** Batches between two looks at the validation loss. */
export const EPOCH = 100;
/** Windows in a batch of forecasts. */
const CHUNK = 512;

/**
 * The sizes of a network for a set of series: a segment is a season, and a window has as many of them as leave half of
 * the steps of a usual series for origins, at most two weeks of days or the like.
 */
export function sizesFor(
  lengths: readonly number[],
  { season, horizon }: { readonly season: number; readonly horizon: number },
): Sizes {
  const segment = season >= LEAST_STEPS && season <= MOST_STEPS
    ? season
    : Math.min(24, Math.max(LEAST_STEPS, Math.min(horizon, season > 1 ? season : horizon)));
  const usual = lengths.toSorted((a, b) => a - b)[lengths.length >> 1]!;
  const room = Math.floor((usual - horizon) / 2 / segment);
  const past = Math.max(LEAST_SEGMENTS, Math.min(MOST_SEGMENTS, room));
  return { segment, past, ahead: Math.ceil(horizon / segment) };
}

/** A trained network with what it needs to forecast. */
export class GlobalModel {
  readonly network: GlobalNetwork;

  constructor(readonly config: ModelConfig, random: Random) {
    this.network = new GlobalNetwork(config, random);
  }

  /**
   * Forecasts what follows the first `end` values of each series. Those of ids that the model does not know get the
   * embedding of an unknown one.
   *
   * @throws {RangeError} If the model takes logarithms and a value is not above 0.
   */
  forecast(
    series: readonly { readonly id: string; readonly values: Float64Array; readonly end?: number }[],
    horizon = this.config.horizon,
  ): Quantiles[] {
    const { segment, past, scale, scaling } = this.config;
    const length = past * segment;
    const back = scale === "log" ? Math.exp : (value: number) => value;
    const numbers = new Map(this.config.ids.map((id, i) => [id, i + 1]));
    const results: Quantiles[] = [];
    for (let first = 0; first < series.length; first += CHUNK) {
      using _ = scope();
      const some = series.slice(first, first + CHUNK);
      const x = empty([some.length, length + 1]);
      const scales = some.map(({ id, values, end = values.length }, row) => {
        const at = row * (length + 1);
        x.data[at + length] = numbers.get(id) ?? 0;
        return scaleWindow(
          this.#scaled(id, values.subarray(Math.max(0, end - length), end)),
          x.data.subarray(at, at + length),
          { scaling },
        );
      });
      const output = noGrad(() => this.network.forward(x));
      const [, steps] = output.shape as [number, number, number];
      const { data } = output;
      scales.forEach(({ place, unit }, row) => {
        const quantiles = LEVELS.map(() => new Float64Array(horizon));
        for (let h = 0; h < horizon; h++) {
          const at = (row * steps + h) * LEVELS.length;
          // Nothing keeps learned quantiles in order.
          const sorted = data.slice(at, at + LEVELS.length).sort();
          sorted.forEach((value, level) => quantiles[level]![h] = back(place + unit * value));
        }
        results.push(quantiles);
      });
    }
    return results;
  }

  /** The values as the network sees them. */
  #scaled(id: string, values: Float64Array): Float64Array {
    if (this.config.scale === "linear") return values;
    const bad = values.findIndex((value) => value <= 0);
    if (bad < 0) return values.map(Math.log);
    throw new RangeError(
      `Cannot forecast ${quoted(id)}: a value must be above 0 for this model, which takes logarithms, got ${
        values[bad]
      }; train a model on this file`,
    );
  }

  /** A network of a configuration from a file, whose weights are still to be loaded. */
  static empty(config: ModelConfig): GlobalModel {
    return new GlobalModel(config, new Random(0));
  }
}

/** Whether a value is a frequency as a model file names it, such as "1 month". */
export function isFrequency(value: unknown): value is string {
  const [, every, unit] = typeof value === "string" ? /^(\d+) (.*)$/.exec(value) ?? [] : [];
  return isSize(Number(every)) && oneOf(FREQUENCY_UNITS)(unit, "") === undefined;
}

/** The largest size that a model file may have. */
const MOST_SIZE = 1_000_000;

/**
 * Checks the configuration of a network in a file.
 *
 * @returns The number of its weights.
 * @throws {TypeError} If it is none.
 */
export function checkModelConfig(config: RawConfig): number {
  const check = checkerOf(config);
  check("cell", CELLS.includes(config.cell as CellName), `one of ${CELLS.join(", ")}`);
  for (const name of ["hidden", "segment", "past", "ahead", "series", "horizon", "season"]) {
    check(name, isSize(config[name]) && config[name] as number <= MOST_SIZE, `an integer from 1 to ${MOST_SIZE}`);
  }
  check("scale", SCALES.includes(config.scale as ScaleName), `one of ${SCALES.join(", ")}`);
  check("scaling", SCALINGS.includes(config.scaling as Scaling), `one of ${SCALINGS.join(", ")}`);
  const { ids, dropout, frequency } = config;
  check("dropout", typeof dropout === "number" && dropout >= 0 && dropout < 1, "from 0 to below 1");
  check("frequency", isFrequency(frequency), "a number of a unit of time, such as 1 month");
  const { series, horizon, segment, ...network } = config as unknown as ModelConfig;
  check("ids", isNames(ids) && ids.length === series, "a different text for each series");
  const ahead = Math.ceil(horizon / segment);
  check("ahead", network.ahead === ahead, `${ahead}, the segments of its horizon`);
  return networkSizes(config as unknown as NetworkConfig, 1).weights;
}

/** The result of a training run. */
export interface Trained {
  readonly model: GlobalModel;
  /** The learning curve. */
  readonly history: readonly EpochLosses[];
}

/** A progress bar of a training run. */
export function trainingProgress({ steps, batchSize }: Pick<TrainingSettings, "steps" | "batchSize">): Consumer {
  const batches = Math.min(EPOCH, steps);
  return progressBar({ epochs: Math.ceil(steps / batches), samples: batches * batchSize });
}

/** The sizes of a network's windows. */
type Sizes = Pick<NetworkConfig, "segment" | "past" | "ahead">;

/**
 * Trains a network on the first `ends` values of series, all of which it learns from. Of the weights after each
 * hundred batches, those with the smallest loss at the validation origins are kept.
 *
 * @returns undefined if the run was stopped.
 * @throws {RangeError} If the network does not fit into the memory.
 */
export async function trainGlobal(
  source: WindowSource,
  config: Omit<ModelConfig, keyof NetworkConfig>,
  settings: TrainingSettings,
  { sizes = sizesFor(source.ends, config), validation = lastOrigins(source, config.horizon), others = 0, ...run }:
    & Omit<FitRun, "optimizer">
    & {
      /** Trained networks that are kept. */
      readonly others?: number;
      /** Those that suit the series if omitted. */
      readonly sizes?: Sizes;
      /** The last origin of each series if omitted, which the network also learns from. */
      readonly validation?: readonly { readonly series: number; readonly end: number }[];
    } = {},
): Promise<Trained | undefined> {
  const { horizon, season, ids, scale, scaling } = config;
  const { cell, hidden, dropout, steps, batchSize, learningRate, seed } = settings;
  const random = new Random(seed);
  const modelConfig = { ...config, ...sizes, cell, hidden, dropout, series: ids.length };
  // Validation needs no gradients, and so half as much for a window.
  const rows = Math.max(batchSize, Math.min(CHUNK, validation.length) / 2);
  checkMemory(networkSizes(modelConfig, rows), {
    lower: others > 1 ? "--hidden, --batch-size or --seeds" : "--hidden or --batch-size",
    communicator: single(),
    others,
  });
  const model = new GlobalModel(modelConfig, random.split());
  const window = { past: sizes.past * sizes.segment, horizon, scaling };
  const batches = Math.min(EPOCH, steps);
  const series = scale === "log" ? source.series.map((values) => values.map(Math.log)) : source.series;
  using fitted = await fit(model.network, {
    ...run,
    optimizer: adam(),
    loss: pinballLoss,
    batches: new RandomWindows({ series, ends: source.ends }, {
      ...window,
      // Series of one size count the same.
      errorScales: scaling === "last"
        ? undefined
        : errorScales({ series, ends: source.ends }, { season, isLog: scale === "log" }),
      batchSize,
      batches,
      random: random.split(),
    }),
    batchesPerEpoch: batches,
    validation: new FixedWindows(series, validation, { ...window, batchSize: CHUNK }),
    epochs: Math.ceil(steps / batches),
    learningRate,
    clip: 1,
    ...(dropout > 0 && { random: model.network.random }),
  });
  return fitted && { model, history: fitted.history };
}
