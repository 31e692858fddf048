import { type Random, type Tensor, zeros } from "@unfold/core";
import type { Batch } from "./batch.ts";

/** A table over time: one row a time step, row-major. */
export interface Series {
  /** The numbers, row after row. */
  readonly data: Float32Array;
  /** Numbers in a row. */
  readonly columns: number;
}

/** Options for {@linkcode Windows}. */
export interface WindowsOptions {
  /** What the model sees. */
  features: Series;
  /** What it is to predict; row t is the target of the window whose last row is t. */
  targets: Series;
  /** Time steps in a window. */
  past: number;
  /** Windows in a batch; the last batch has what is left. */
  batchSize: number;
  /**
   * The first row that may be a window's last one. The window itself may reach back before it.
   *
   * @default {past − 1}
   */
  from?: number;
  /**
   * The row after the last one that may be a window's last one.
   *
   * @default {the number of rows}
   */
  to?: number;
  /**
   * Shuffles the windows anew each time they are gone through.
   *
   * @default {none: in order of time}
   */
  random?: Random;
}

/**
 * Sliding windows over a series, in batches: x [batch, past, feature columns], y [batch, target columns]. Windows are cut
 * when they are asked for; the series is never copied as a whole.
 *
 * The tensors of a batch are written over by the next batch and released after the last.
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
export class Windows implements Iterable<Batch> {
  readonly #options: WindowsOptions;
  readonly #from: number;
  /** How many windows there are. */
  readonly length: number;

  /**
   * Checks that the windows fit; cuts none yet.
   *
   * @throws {TypeError} If features and targets have different numbers of rows.
   * @throws {RangeError} If sizes are no integers of 1 or more, or no window fits between `from` and `to`.
   */
  constructor(options: WindowsOptions) {
    const { features, targets, past, batchSize } = options;
    for (const [name, value] of Object.entries({ past, batchSize })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new RangeError(`Cannot make windows: ${name} must be an integer of 1 or more, got ${value}`);
      }
    }
    const rows = features.data.length / features.columns;
    if (rows !== targets.data.length / targets.columns) {
      throw new TypeError(
        `Cannot make windows: features and targets must have equally many rows, got ${rows} and ` +
          `${targets.data.length / targets.columns}`,
      );
    }
    const { from = past - 1, to = rows } = options;
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= past - 1 && to <= rows && from < to)) {
      throw new RangeError(
        `Cannot make windows of ${past} rows that end in rows ${from} to ${to - 1}: these must lie within rows ${
          past - 1
        } ` +
          `to ${rows - 1} of the series`,
      );
    }
    this.#options = options;
    this.#from = from;
    this.length = to - from;
  }

  /** Goes through all windows once. */
  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    const { features, targets, past, batchSize, random } = this.#options;
    const order = random?.permutation(this.length);
    let x: Tensor | undefined;
    let y: Tensor | undefined;
    try {
      for (let first = 0; first < this.length; first += batchSize) {
        const batch = Math.min(batchSize, this.length - first);
        if (x === undefined || y === undefined || x.shape[0] !== batch) {
          x?.dispose();
          y?.dispose();
          x = zeros([batch, past, features.columns], { persistent: true });
          y = zeros([batch, targets.columns], { persistent: true });
        }
        const [xData, yData] = [x.data, y.data];
        for (let row = 0; row < batch; row++) {
          const last = this.#from + (order?.[first + row] ?? first + row);
          const window = features.data.subarray((last + 1 - past) * features.columns, (last + 1) * features.columns);
          xData.set(window, row * past * features.columns);
          yData.set(targets.data.subarray(last * targets.columns, (last + 1) * targets.columns), row * targets.columns);
        }
        yield { x, y };
      }
    } finally {
      x?.dispose();
      y?.dispose();
    }
  }
}
