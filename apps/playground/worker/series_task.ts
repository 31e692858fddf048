import { Random, tensor } from "@unfold/core";
import { type Dense, meanSquaredError, type RecurrentLayer, type RecurrentState } from "@unfold/layers";
import type { Optimizer } from "@unfold/optimizers";
import { evaluate, type Part, StandardScaler, train, type TrainEvent, Windows } from "@unfold/training";
import { exportForecaster } from "../../stock/export.ts";
import { Forecaster } from "../../stock/forecaster.ts";
import type { Prices } from "../../stock/prices.ts";
import { cutOf, splitWindows } from "../../stock/split.ts";
import { prepare, type Prepared } from "../../stock/train.ts";
import type { ExportFormat, Preview } from "../messages.ts";
import type { RunSettings } from "../settings.ts";
import { BATCH_SIZE, countParameters, MAX_DRAWN_STEPS, startRemembering, type Task } from "./task.ts";
import type { UnfoldOptions } from "./unfold_network.ts";

/** The forecast horizon of a new model, in days. */
const HORIZON = 20;
/** The fractions of the windows for the validation loss and for the forecasts. */
const PARTS = { validation: 0.1, test: 0.15 };
/** The maximum number of windows for the validation loss. */
const MAX_VALIDATION = 256;
/** The maximum number of back-to-back forecasts drawn, without the one beyond the end of the series. */
const MAX_DRAWN = 8;

/** Options of a series task. */
interface SeriesTaskOptions {
  readonly settings: RunSettings;
  readonly prices: Prices;
  /** A saved model to continue. */
  readonly forecaster?: Forecaster | undefined;
}

/** Learns to forecast a series several days ahead. */
export class SeriesTask implements Task {
  readonly settings: RunSettings;
  readonly network: Forecaster["network"];
  readonly parameters: number;
  readonly unit = "mean squared error";
  readonly logarithmic = true;
  readonly scale = 1;
  readonly baselines: Readonly<Record<string, number>>;
  readonly about: string;
  readonly #forecaster: Forecaster;
  readonly #prices: Prices;
  readonly #prepared: Prepared;
  /** Shuffles the windows. */
  readonly #order: Random;
  readonly #windows: (part: Part, options?: { stride?: number; random?: Random }) => Windows;

  /**
   * @throws {RangeError} If the series is too short, or there is nothing to forecast.
   */
  constructor({ settings, prices, forecaster }: SeriesTaskOptions) {
    const { cell, hidden, layers, length: window, horizon } = forecaster === undefined
      ? { ...settings, horizon: HORIZON }
      : shapeOf(forecaster);
    this.settings = { ...settings, cell, hidden, layers, length: window };

    const chosen = {
      target: "price",
      features: "returns",
      model: cell,
      hidden,
      window,
      horizon,
      epochs: 1,
      batchSize: BATCH_SIZE,
      learningRate: settings.rate,
      season: 1,
      seed: settings.seed,
    } as const;
    this.#prices = prices;
    this.#prepared = prepare(prices, chosen, splitWindows(prices, cutOf(chosen), PARTS));
    const random = new Random(settings.seed);
    const weights = random.split();
    this.#order = random.split();
    this.#forecaster = forecaster ?? new Forecaster({ ...this.#prepared.config, layers }, weights);
    if (forecaster === undefined) startRemembering(this.#forecaster.network.layers[0]!, hidden);
    const features = this.#forecaster.scaleFeatures(this.#prepared.features);
    const targets = this.#forecaster.scaleTargets(this.#prepared.targets);
    this.#windows = (part, options = {}) =>
      new Windows({ features, targets, past: window, batchSize: BATCH_SIZE, ...part, ...options });
    this.network = this.#forecaster.network;
    this.parameters = countParameters(this.network);

    let [squares, count] = [0, 0];
    const naive = this.#forecaster.scaleTargets({ data: new Float32Array(horizon), columns: horizon }).data;
    for (const { y } of this.#validation()) {
      y.data.forEach((value, i) => squares += (value - naive[i % horizon]!) ** 2);
      count += y.size;
    }
    this.baselines = { naive: squares / count };
    const days = (count: number) => `${count.toLocaleString("en")} day${count === 1 ? "" : "s"}`;
    this.about = `${days(prices.close.length)}. Forecasts ${days(horizon)} ahead from the last ${window}. ` +
      "Errors are on standardised returns.";
  }

  #validation(): Windows {
    const part = this.#prepared.split.validation;
    return this.#windows(part, { stride: Math.ceil((part.to - part.from) / MAX_VALIDATION) });
  }

  train(optimizer: Optimizer): AsyncGenerator<TrainEvent, void, undefined> {
    const batches = this.#windows(this.#prepared.split.train, { random: this.#order });
    const epochs = Number.MAX_SAFE_INTEGER;
    return train({ model: this.network, optimizer, loss: meanSquaredError, batches, epochs });
  }

  validate(): Promise<number> {
    return evaluate(this.network, { loss: meanSquaredError, batches: this.#validation() });
  }

  preview(): Preview {
    const { config: { window, horizon }, featureSet: { warmUp } } = this.#forecaster;
    const { close, dates } = this.#prices;
    const last = close.length - 1;
    // Count back from the last day, so that each forecast ends where the next one begins.
    const { from } = this.#prepared.split.test;
    const count = Math.floor((last - warmUp - from) / horizon);
    const row = last - warmUp;
    const values: number[] = [];
    for (const { x } of this.#windows({ from: row - count * horizon, to: row + 1 - horizon }, { stride: horizon })) {
      values.push(...this.#forecaster.forecast(x));
    }
    values.push(...this.#outlook());
    const paths = Array.from({ length: count + 1 }, (_, i) => {
      const day = last - (count - i) * horizon;
      const path = values.slice(i * horizon, (i + 1) * horizon);
      return { from: day, values: Float64Array.from(path, (value) => close[day]! * Math.exp(value)) };
    });

    let [errors, naiveErrors] = [0, 0];
    for (const { from, values } of paths.slice(0, -1)) {
      values.forEach((value, i) => {
        const actual = close[from + 1 + i]!;
        errors += (value - actual) ** 2;
        naiveErrors += (close[from]! - actual) ** 2;
      });
    }
    const drawn = paths.slice(-1 - MAX_DRAWN);
    const first = Math.max(0, drawn[0]!.from - window);
    const forecast = {
      dates: dates.slice(first),
      actual: close.slice(first),
      paths: drawn.map(({ from, values }) => ({ from: from - first, values })),
      skill: 1 - errors / naiveErrors,
    };
    return { kind: "series", forecast };
  }

  /** The scaled forecast beyond the last day. */
  #outlook(): Float32Array {
    const { window } = this.#forecaster.config;
    const { data, columns } = this.#forecaster.scaleFeatures(this.#prepared.features);
    using x = tensor(data.slice(-window * columns), { shape: [1, window, columns] });
    return this.#forecaster.forecast(x);
  }

  example(): UnfoldOptions {
    const { config: { window, horizon, targetScaler }, featureSet: { names } } = this.#forecaster;
    const row = this.#prepared.split.test.to - 1;
    const time = Math.min(window, MAX_DRAWN_STEPS);
    const rows = { x: new Float32Array(), y: new Float32Array() };
    for (const { x, y } of this.#windows({ from: row, to: row + 1 })) {
      Object.assign(rows, { x: x.data.slice(-time * names.length), y: y.data.slice() });
    }
    const y = tensor(rows.y, { shape: [1, horizon] });
    const [recurrent, , dense] = this.network.layers;
    const scaler = new StandardScaler(targetScaler);
    return {
      recurrent: recurrent as unknown as RecurrentLayer<RecurrentState>,
      dense: dense as Dense,
      x: tensor(rows.x, { shape: [1, time, names.length] }),
      labels: Array.from({ length: time }, (_, t) => t === time - 1 ? "today" : `−${time - 1 - t}`),
      loss: (output) => meanSquaredError(output, y),
      labelOf: (output) => signed(scaler.inverse({ data: output, columns: horizon }).data.at(-1)!),
    };
  }

  toFile(format: ExportFormat): Uint8Array<ArrayBuffer> {
    return format === "onnx" ? exportForecaster(this.#forecaster).file : this.#forecaster.encode();
  }
}

/**
 * The shape of a model from a file.
 *
 * @throws {TypeError} If the page cannot draw such a model.
 */
function shapeOf(
  { config }: Forecaster,
): Pick<RunSettings, "cell" | "hidden" | "layers" | "length"> & { horizon: number } {
  const { model, target, featureSet, hidden, layers = 1, window, horizon } = config;
  if (model === "mlp" || target !== "price" || featureSet !== "returns") {
    throw new TypeError(
      "Cannot continue the model: it must be a recurrent model that forecasts the price from returns, got " +
        `${model} for ${target} from ${featureSet}`,
    );
  }
  return { cell: model, hidden, layers, length: window, horizon };
}

/** Formats a log return as a percentage. */
function signed(value: number): string {
  const percent = 100 * Math.expm1(value);
  return `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(Math.abs(percent) < 10 ? 1 : 0)}%`;
}
