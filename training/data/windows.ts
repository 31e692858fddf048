import type { Random } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import type { Batch } from "../batch.ts";
import type { State, Stateful } from "../stateful.ts";
import { Passes } from "./_passes.ts";

/** A time series as a row-major table with one row per time step. */
export interface Series {
  /** The values, row after row. */
  readonly data: Float32Array;
  /** Values per row. */
  readonly columns: number;
}

/** Options for {@linkcode Windows}. */
export interface WindowsOptions {
  /** The model's inputs. */
  features: Series;
  /** The values to predict, in a table with the same rows. It can be the same series. */
  targets: Series;
  /** Time steps in a window. */
  past: number;
  /** Windows in a batch. The last batch of a pass can be smaller. */
  batchSize: number;
  /**
   * Rows from the last one of a window to its target: 1 is the next row. 0 is the window's last row itself, for targets that are
   * shifted already.
   *
   * @default {1}
   */
  ahead?: number;
  /**
   * Several targets for each window: `ahead` of each of them, ascending, such as [1, 5, 20].
   *
   * @default {[ahead]}
   */
  horizons?: readonly number[];
  /**
   * How much the window that ends in each row counts, 0 or more: one weight per row.
   *
   * @default {every window counts the same}
   */
  weights?: ArrayLike<number>;
  /**
   * Rows from the end of one window to the end of the next.
   *
   * @default {1}
   */
  stride?: number;
  /**
   * The first row in which a window may end. The window itself can start before it.
   *
   * @default {past − 1}
   */
  from?: number;
  /**
   * The end of the rows in which a window may end, exclusive.
   *
   * @default {the number of rows − the largest step ahead}
   */
  to?: number;
  /**
   * Shuffles the windows in each pass. This takes four bytes per window.
   *
   * @default {none: in order of time}
   */
  random?: Random;
}

/**
 * Sliding windows over a series, in batches: x [batch, past, feature columns], y [batch, horizons·target columns], row-major. The
 * target of the window that ends in row t is row t + 1 of `targets`, or the rows t + h for h in `horizons`.
 *
 * ```text
 *   row      0   1   2   3   4   5   6   7       past: 3, horizons: [1, 3]
 *            x   x   x   y       y               the window that ends in row 2
 *                x   x   x   y       y           the one that ends in row 3
 *                    x   x   x   y       y       the last one, which ends in row 4
 * ```
 *
 * Windows are cut on demand; the series is never copied as a whole. Each batch overwrites the tensors of the one before, and
 * the pass releases them at its end.
 *
 * @example
 * ```ts
 * import { Windows } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const series = { data: Float32Array.of(1, 2, 3, 4, 5), columns: 1 };
 * const windows = new Windows({ features: series, targets: series, past: 2, batchSize: 2 });
 * const seen = [];
 * for (const { x, y } of windows) seen.push([x.toArray(), y.toArray()]);
 * assert.deepEqual(seen, [
 *   [[[[1], [2]], [[2], [3]]], [[3], [4]]],
 *   [[[[3], [4]]], [[5]]],
 * ]);
 * ```
 */
export class Windows implements Iterable<Batch>, Stateful {
  readonly #options: WindowsOptions;
  readonly #horizons: readonly number[];
  readonly #from: number;
  readonly #passes: Passes<Uint32Array>;
  /** The number of windows. */
  readonly length: number;

  /**
   * Checks that the windows fit. Cuts none yet.
   *
   * @throws {TypeError} If a table has incomplete rows, features and targets have different numbers of rows, or `ahead` and
   * `horizons` are both given.
   * @throws {RangeError} If a size is not a positive integer, no window fits between `from` and `to`, a target would be in its
   * own window, or a weight is not finite and 0 or more.
   */
  constructor(options: WindowsOptions) {
    const { features, targets, past, batchSize, stride = 1, weights, random } = options;
    checkCounts("make windows", { past, batchSize, stride });
    const [rows, targetRows] = [rowsIn("features", features), rowsIn("targets", targets)];
    if (rows !== targetRows) {
      throw new TypeError(
        `Cannot make windows: features and targets must have the same number of rows, got ${rows} and ${targetRows}`,
      );
    }
    const horizons = horizonsOf(options);
    const furthest = horizons.at(-1)!;
    const end = rows - furthest;
    if (end < past) {
      const most = Math.max(0, end);
      throw new RangeError(
        `Cannot make windows: past must be at most ${most}, which leaves ${furthest} of the ${rows} rows for the target ahead, ` +
          `got ${past}`,
      );
    }
    const least = past - 1;
    const { from = least, to = end } = options;
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= least && to <= end && from < to)) {
      throw new RangeError(
        `Cannot make windows: from and to must be integers with ${least} ≤ from < to ≤ ${end}, which leaves ${furthest} of the ` +
          `${rows} rows for the target ahead, got ${from} and ${to}`,
      );
    }
    if (weights !== undefined) checkWeights(weights, rows);
    this.#horizons = horizons;
    this.#options = options;
    this.#from = from;
    this.length = Math.ceil((to - from) / stride);
    this.#passes = new Passes(Math.ceil(this.length / batchSize), {
      random,
      draw: (random) => random.permutation(this.length),
    });
  }

  /** One pass over the windows, or the rest of a loaded pass. */
  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    const { features, targets, past, batchSize, stride = 1, weights } = this.#options;
    const horizons = this.#horizons;
    for (const { index, order, tensor } of this.#passes.run()) {
      const first = index * batchSize;
      const batch = Math.min(batchSize, this.length - first);
      const x = tensor("x", [batch, past, features.columns], "f32");
      const y = tensor("y", [batch, horizons.length * targets.columns], "f32");
      const weight = weights && tensor("weights", [batch], "f32");
      const [xData, yData, weightData] = [x.data, y.data, weight?.data];
      for (let row = 0; row < batch; row++) {
        const last = this.#from + stride * (order?.[first + row] ?? first + row);
        xData.set(rowsOf(features, last + 1 - past, last + 1), row * past * features.columns);
        for (let i = 0; i < horizons.length; i++) {
          const target = last + horizons[i]!;
          yData.set(rowsOf(targets, target, target + 1), (row * horizons.length + i) * targets.columns);
        }
        if (weightData !== undefined) weightData[row] = weights![last]!;
      }
      yield weight === undefined ? { x, y } : { x, y, weights: weight };
    }
  }

  /** The position in the current pass: the number of batches done, and the state of `random` at its start. */
  state(): State {
    return this.#passes.state();
  }

  /**
   * Restores what {@linkcode Windows.state} returned: the next pass has the batches that pass had left.
   *
   * @throws {TypeError} If an entry is missing, unexpected, or of the wrong type or shape.
   * @throws {RangeError} If the position is beyond a pass, or the state of `random` is invalid.
   */
  load(state: State): void {
    this.#passes.load(state);
  }
}

function rowsOf({ data, columns }: Series, from: number, to: number): Float32Array {
  return data.subarray(from * columns, to * columns);
}

/** The number of rows of a table. */
function rowsIn(name: string, { data, columns }: Series): number {
  checkCounts("make windows", { [`${name}.columns`]: columns });
  if (data.length % columns === 0) return data.length / columns;
  throw new TypeError(
    `Cannot make windows: ${name} must have complete rows, got ${data.length} values in ${columns} columns`,
  );
}

/** The steps ahead of the targets, ascending. */
function horizonsOf(options: WindowsOptions): readonly number[] {
  const { ahead = 1, horizons = [ahead], features, targets } = options;
  if (options.ahead !== undefined && options.horizons !== undefined) {
    throw new TypeError("Cannot make windows: only one of ahead and horizons must be given, got both");
  }
  if ("horizon" in options) {
    throw new TypeError(`Cannot make windows: horizons must list the steps ahead, got horizon ${options.horizon}`);
  }
  const isSound = horizons.every((steps, i) => Number.isSafeInteger(steps) && steps > (horizons[i - 1] ?? -1));
  if (!isSound || horizons.length === 0) {
    const name = options.horizons === undefined ? "ahead must be an integer" : "horizons must be ascending integers";
    throw new RangeError(`Cannot make windows: ${name} of 0 or more, got ${horizons.join(", ") || "none"}`);
  }
  if (horizons[0] === 0 && features.data === targets.data) {
    throw new RangeError(
      "Cannot make windows: ahead must be 1 or more for targets that are the features, got 0, the last row of the window itself",
    );
  }
  return [...horizons];
}

function checkWeights(weights: ArrayLike<number>, rows: number): void {
  if (weights.length !== rows) {
    throw new TypeError(`Cannot make windows: weights must have one per row, ${rows}, got ${weights.length}`);
  }
  for (let row = 0; row < rows; row++) {
    const weight = weights[row]!;
    if (weight >= 0 && weight < Infinity) continue;
    throw new RangeError(`Cannot make windows: weights must be finite and 0 or more, got ${weight} for row ${row}`);
  }
}
