import { empty, type Random, type RandomState, type SafetensorsInput, type Tensor } from "@unfold/core";
import type { Batch, State, Stateful } from "@unfold/training";
import { seasonalScale } from "./scores.ts";

/** The series that windows are cut from, and the parts of them that may be used. */
export interface WindowSource {
  readonly series: readonly Float64Array[];
  /** For each series, the end of the steps that may be used, exclusive. */
  readonly ends: readonly number[];
}

/** The sizes of a window, and its scaling. */
export interface WindowSize {
  /** Steps that the network sees. */
  readonly past: number;
  /** Steps to forecast. */
  readonly horizon: number;
  readonly scaling: Scaling;
}

/** The place and the unit of a window: a value v becomes (v − place)/unit. */
export interface Scale {
  readonly place: number;
  readonly unit: number;
}

/**
 * How a window is scaled: by its own mean and standard deviation (as RevIN, Kim et al., 2022), so that series of all sizes
 * look alike to a network; or only moved by its last value (as NLinear, Zeng et al., 2023), for series of one size.
 */
export const SCALINGS = ["standard", "last"] as const;
export type Scaling = (typeof SCALINGS)[number];

/** The least unit in relation to the values, below which a window counts as constant. */
const LEAST_UNIT = 1e-6;

/** Scales a window and writes it to `to`. A window that begins before its series starts with zeros. */
export function scaleWindow(
  series: Float64Array,
  to: Float32Array,
  { end = series.length, scaling = "standard" }: { readonly end?: number; readonly scaling?: Scaling } = {},
): Scale {
  const past = to.length;
  const start = Math.max(0, end - past);
  const count = end - start;
  let [place, unit] = [series[end - 1]!, 1];
  if (scaling === "standard") {
    let squares = 0;
    place = 0;
    for (let t = start; t < end; t++) place += series[t]! / count;
    for (let t = start; t < end; t++) squares += (series[t]! - place) ** 2 / count;
    unit = Math.max(Math.sqrt(squares), LEAST_UNIT * Math.abs(place), 1e-30);
  }
  to.fill(0, 0, past - count);
  for (let t = start; t < end; t++) to[past - end + t] = (series[t]! - place) / unit;
  return { place, unit };
}

/** The origins of a series: the ends of windows after which there is a whole horizon. */
function originsOf({ past, horizon }: Pick<WindowSize, "past" | "horizon">, end: number): { from: number; to: number } {
  // A window half of which is before the series teaches little.
  const from = Math.min(past, Math.max(1, end - horizon - past, Math.ceil(past / 2)));
  return { from, to: end - horizon };
}

/**
 * The sizes that errors in series are compared with, so that they count half as in MASE and half as in sMAPE, like in the M4
 * competition's overall average: with the scale s of {@linkcode seasonalScale} and the mean magnitude a of a series,
 *
 *     1/size = ½·(1/s + 1/(a·c)),   c = the mean of s/a over all series
 *
 * @param isLog Whether values are logarithms, whose errors are relative already: then a = 1.
 */
export function errorScales(
  { series, ends }: WindowSource,
  { season, isLog }: { readonly season: number; readonly isLog: boolean },
): number[] {
  const parts = series.map((values, i) => values.subarray(0, Math.max(0, ends[i]!)));
  const scales = parts.map((values) => seasonalScale(values, season));
  const magnitudes = parts.map((values) =>
    isLog ? 1 : values.reduce((total, value) => total + Math.abs(value), 0) / values.length
  );
  const ratios = scales.flatMap((scale, i) => scale === undefined ? [] : [scale / magnitudes[i]!]);
  const ratio = ratios.reduce((a, b) => a + b, 0) / ratios.length;
  // A series that repeats exactly has no errors to learn from.
  return scales.map((scale, i) => scale === undefined ? Infinity : 2 / (1 / scale + 1 / (magnitudes[i]! * ratio)));
}

/** Whether a network has a window to learn from, if it may see the first `ends` values of series. */
export function hasOrigins(ends: readonly number[], size: Pick<WindowSize, "past" | "horizon">): boolean {
  return ends.some((end) => {
    const { from, to } = originsOf(size, end);
    return from <= to;
  });
}

/** Options for {@linkcode RandomWindows}. */
interface RandomWindowsOptions extends WindowSize {
  /** The size that an error in each series is to be compared with; if omitted, all windows count the same. */
  readonly errorScales?: readonly number[] | undefined;
  readonly batchSize: number;
  /** Batches in a pass. */
  readonly batches: number;
  readonly random: Random;
}

/** How much a window counts at least and at most. */
const [LEAST_WEIGHT, MOST_WEIGHT] = [0.2, 10];
/** How often an id is replaced by that of an unknown series, so that the network learns what to do with one. */
const UNKNOWN = 0.1;

/**
 * Random windows of many series: each pass draws `batches` batches anew, all origins of all series with the same chance.
 * With scales, a window counts as much as its unit is larger than the scale of its series' errors.
 */
export class RandomWindows implements Iterable<Batch>, Stateful {
  readonly length: number;
  readonly #source: WindowSource;
  readonly #options: RandomWindowsOptions;
  /** The series that have an origin, and how many origins come before each. */
  readonly #usable: readonly { readonly index: number; readonly from: number; readonly before: number }[];
  readonly #origins: number;
  /** Batches done in the current pass. */
  #done = 0;

  constructor(
    source: WindowSource,
    options: RandomWindowsOptions,
  ) {
    this.#source = source;
    this.#options = options;
    let before = 0;
    this.#usable = source.ends.flatMap((end, index) => {
      const { from, to } = originsOf(options, end);
      if (to < from) return [];
      const entry = { index, from, before };
      before += to - from + 1;
      return [entry];
    });
    this.#origins = before;
    this.length = options.batches * options.batchSize;
    if (before > 0) return;
    throw new RangeError(
      `Cannot train: a series must be longer than the horizon of ${options.horizon} steps, got at most ` +
        `${source.ends.reduce((a, b) => Math.max(a, b))} to learn from; shorten --horizon`,
    );
  }

  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    const { batchSize, batches, random, errorScales } = this.#options;
    using buffers = new Buffers(batchSize, this.#options);
    const { x, y } = buffers;
    const weights = empty([batchSize], { persistent: true });
    try {
      for (let batch = this.#done; batch < batches; batch++) {
        for (let row = 0; row < batchSize; row++) {
          const { index, origin } = this.#draw();
          const id = random.uniform() < UNKNOWN ? 0 : index + 1;
          const { unit } = buffers.fill(row, { series: this.#source.series[index]!, origin, id });
          const weight = errorScales === undefined ? 1 : unit / errorScales[index]!;
          weights.data[row] = Math.min(MOST_WEIGHT, Math.max(LEAST_WEIGHT, weight));
        }
        // A pass is over after its last batch, even if nobody asks for another.
        this.#done = (batch + 1) % batches;
        yield { x, y, weights };
      }
    } finally {
      this.#done = 0;
      weights.dispose();
    }
  }

  state(): State {
    return new Map<string, SafetensorsInput>([
      ["position", { shape: [], data: Float64Array.of(this.#done) }],
      ["random", { shape: [4], data: Uint32Array.from(this.#options.random.state) }],
    ]);
  }

  load(state: State): void {
    const [position, random] = [state.get("position")?.data[0], state.get("random")?.data];
    const isThere = Number.isInteger(Number(position)) && Number(position) >= 0 &&
      Number(position) < this.#options.batches && random instanceof Uint32Array && random.length === 4;
    if (!isThere) {
      throw new TypeError(
        `Cannot load the state of windows: it must have a position below ${this.#options.batches} and a random state, ` +
          `got ${position} and ${random?.length ?? 0} numbers`,
      );
    }
    this.#done = Number(position);
    this.#options.random.state = [...random] as unknown as RandomState;
  }

  /** A random origin of a random series. */
  #draw(): { index: number; origin: number } {
    const place = this.#options.random.integer(this.#origins);
    let [low, high] = [0, this.#usable.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#usable[middle]!.before <= place) low = middle;
      else high = middle - 1;
    }
    const { index, from, before } = this.#usable[low]!;
    return { index, origin: from + place - before };
  }
}

/** The input and the target of a batch of windows. */
class Buffers implements Disposable {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly #size: WindowSize;

  constructor(rows: number, size: WindowSize) {
    this.x = empty([rows, size.past + 1], { persistent: true });
    this.y = empty([rows, size.horizon], { persistent: true });
    this.#size = size;
  }

  /** Writes the window before an origin of a series, its number, and what follows. */
  fill(
    row: number,
    { series, origin, id }: { readonly series: Float64Array; readonly origin: number; readonly id: number },
  ): Scale {
    const { past, horizon, scaling } = this.#size;
    const at = row * (past + 1);
    const scale = scaleWindow(series, this.x.data.subarray(at, at + past), { end: origin, scaling });
    this.x.data[at + past] = id;
    for (let h = 0; h < horizon; h++) this.y.data[row * horizon + h] = (series[origin + h]! - scale.place) / scale.unit;
    return scale;
  }

  [Symbol.dispose](): void {
    this.x.dispose();
    this.y.dispose();
  }
}

/** The windows before given origins, in batches. */
export class FixedWindows implements Iterable<Batch> {
  constructor(
    readonly series: readonly Float64Array[],
    readonly origins: readonly { readonly series: number; readonly end: number }[],
    readonly options: WindowSize & { readonly batchSize: number },
  ) {}

  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    const { batchSize } = this.options;
    for (let first = 0; first < this.origins.length; first += batchSize) {
      const some = this.origins.slice(first, first + batchSize);
      using buffers = new Buffers(some.length, this.options);
      some.forEach(({ series, end }, row) => {
        buffers.fill(row, { series: this.series[series]!, origin: end, id: series + 1 });
      });
      const { x, y } = buffers;
      yield { x, y };
    }
  }
}

/** The last origin of each series that leaves a horizon to check it with. */
export function lastOrigins(
  { ends }: WindowSource,
  horizon: number,
): { readonly series: number; readonly end: number }[] {
  return ends.flatMap((end, series) => end > horizon ? [{ series, end: end - horizon }] : []);
}
