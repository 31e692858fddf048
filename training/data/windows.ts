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
  /** The values to predict. Row t is the target of the window that ends in row t. */
  targets: Series;
  /** Time steps in a window. */
  past: number;
  /** Windows in a batch. The last batch of a pass can be smaller. */
  batchSize: number;
  /**
   * Rows to predict: the target of the window that ends in row t is rows t to t + horizon − 1 of `targets`.
   *
   * @default {1}
   */
  horizon?: number;
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
   * @default {the number of rows − horizon + 1}
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
 * Sliding windows over a series, in batches: x [batch, past, feature columns], y [batch, horizon·target columns], row-major.
 *
 * Windows are cut on demand; the series is never copied as a whole. Each batch overwrites the tensors of the one before, and
 * the pass releases them at its end.
 *
 * @example
 * ```ts
 * import { Windows } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const features = { data: Float32Array.of(1, 2, 3, 4), columns: 1 };
 * const targets = { data: Float32Array.of(20, 30, 40, 50), columns: 1 };
 * const windows = new Windows({ features, targets, past: 2, batchSize: 2 });
 * const seen = [];
 * for (const { x, y } of windows) seen.push([x.toArray(), y.toArray()]);
 * assert.deepEqual(seen, [
 *   [[[[1], [2]], [[2], [3]]], [[30], [40]]],
 *   [[[[3], [4]]], [[50]]],
 * ]);
 * ```
 */
export class Windows implements Iterable<Batch>, Stateful {
  readonly #options: WindowsOptions;
  readonly #from: number;
  readonly #passes: Passes<Uint32Array>;
  /** The number of windows. */
  readonly length: number;

  /**
   * Checks that the windows fit. Cuts none yet.
   *
   * @throws {TypeError} If features and targets have different numbers of rows.
   * @throws {RangeError} If a size is not a positive integer, or no window fits between `from` and `to`.
   */
  constructor(options: WindowsOptions) {
    const { features, targets, past, batchSize, horizon = 1, stride = 1, random } = options;
    checkCounts("make windows", { past, batchSize, horizon, stride });
    const [rows, targetRows] = [features, targets].map(({ data, columns }) => data.length / columns) as [
      number,
      number,
    ];
    if (rows !== targetRows) {
      throw new TypeError(
        `Cannot make windows: features and targets must have the same number of rows, got ${rows} and ${targetRows}`,
      );
    }
    const least = past + horizon - 1;
    if (rows < least) {
      throw new RangeError(
        `Cannot make windows: past ${past} and horizon ${horizon} need at least ${least} rows, got ${rows}`,
      );
    }
    const end = rows - horizon + 1;
    const { from = past - 1, to = end } = options;
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= past - 1 && to <= end && from < to)) {
      throw new RangeError(
        `Cannot make windows: from and to must be integers with ${past - 1} ≤ from < to ≤ ${end}, ` +
          `got ${from} and ${to}`,
      );
    }
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
    const { features, targets, past, batchSize, horizon = 1, stride = 1 } = this.#options;
    for (const { index, order, tensor } of this.#passes.run()) {
      const first = index * batchSize;
      const batch = Math.min(batchSize, this.length - first);
      const x = tensor("x", [batch, past, features.columns], "f32");
      const y = tensor("y", [batch, horizon * targets.columns], "f32");
      const [xData, yData] = [x.data, y.data];
      for (let row = 0; row < batch; row++) {
        const last = this.#from + stride * (order?.[first + row] ?? first + row);
        xData.set(rowsOf(features, last + 1 - past, last + 1), row * past * features.columns);
        yData.set(rowsOf(targets, last, last + horizon), row * horizon * targets.columns);
      }
      yield { x, y };
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
