import type { Random } from "@unfold/core";
import { checkCounts } from "@unfold/core/support";
import { Passes } from "./_passes.ts";
import type { Batch } from "../batch.ts";
import type { State, Stateful } from "../stateful.ts";

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
   * Rows to predict: the target of the window whose last row is t are rows t to t + horizon − 1 of the targets.
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
   * The first row that may be a window's last one. The window itself may reach back before it.
   *
   * @default {past − 1}
   */
  from?: number;
  /**
   * The row after the last one that may be a window's last one.
   *
   * @default {the number of rows − horizon + 1}
   */
  to?: number;
  /**
   * Shuffles the windows anew each time they are gone through, which takes four bytes a window.
   *
   * @default {none: in order of time}
   */
  random?: Random;
}

/**
 * Sliding windows over a series, in batches: x [batch, past, feature columns], y [batch, horizon·target columns], row after
 * row. Windows are cut when they are asked for; the series is never copied as a whole.
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
export class Windows implements Iterable<Batch>, Stateful {
  readonly #options: WindowsOptions;
  readonly #from: number;
  readonly #passes: Passes<Uint32Array>;
  /** How many windows there are. */
  readonly length: number;

  /**
   * Checks that the windows fit; cuts none yet.
   *
   * @throws {TypeError} If features and targets have different numbers of rows.
   * @throws {RangeError} If sizes are no integers of 1 or more, or no window fits between `from` and `to`.
   */
  constructor(options: WindowsOptions) {
    const { features, targets, past, batchSize, horizon = 1, stride = 1, random } = options;
    checkCounts("make windows", { past, batchSize, horizon, stride });
    const rows = features.data.length / features.columns;
    if (rows !== targets.data.length / targets.columns) {
      throw new TypeError(
        `Cannot make windows: features and targets must have equally many rows, got ${rows} and ` +
          `${targets.data.length / targets.columns}`,
      );
    }
    const end = rows - horizon + 1;
    const { from = past - 1, to = end } = options;
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= past - 1 && to <= end && from < to)) {
      throw new RangeError(
        `Cannot make windows of ${past} rows that end in rows ${from} to ${to - 1}: these must lie within rows ` +
          `${past - 1} to ${end - 1} of the series${horizon > 1 ? ` with a horizon of ${horizon}` : ""}`,
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

  /** Goes through all windows once, or through what a loaded state has left of them. */
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

  /** Where the pass that last gave a batch stands: the batches that are done, and the state of `random` at its start. */
  state(): State {
    return this.#passes.state();
  }

  /**
   * Goes on from what {@linkcode Windows.state} gave: the next pass has the batches that were left of that one.
   *
   * @throws {TypeError} If an entry is missing, unexpected, or of another kind or shape.
   * @throws {RangeError} If a pass has no such position, or `random` no such state.
   */
  load(state: State): void {
    this.#passes.load(state);
  }
}

function rowsOf({ data, columns }: Series, from: number, to: number): Float32Array {
  return data.subarray(from * columns, to * columns);
}
