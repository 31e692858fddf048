import type { Series } from "./windows.ts";

/** What a {@linkcode StandardScaler} learned: one entry a column. */
export interface StandardScalerState {
  /** Means. */
  readonly mean: readonly number[];
  /** Standard deviations; 1 for a column that never changes. */
  readonly deviation: readonly number[];
}

/**
 * Brings each column to mean 0 and standard deviation 1: y = (x − mean)/deviation. Fit it on the training part alone, so
 * that nothing of the future leaks into what the model sees.
 *
 * @example
 * ```ts
 * import { StandardScaler } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const scaler = StandardScaler.fit({ data: Float32Array.of(1, 10, 3, 10), columns: 2 });
 * assert.deepEqual(scaler.state, { mean: [2, 10], deviation: [1, 1] });
 * const scaled = scaler.transform({ data: Float32Array.of(4, 11), columns: 2 });
 * assert.deepEqual(scaled.data, Float32Array.of(2, 1));
 * assert.deepEqual(scaler.inverse(scaled).data, Float32Array.of(4, 11));
 * ```
 */
export class StandardScaler {
  /** Means and deviations; as JSON it is what is saved with a model. */
  readonly state: StandardScalerState;

  /**
   * Makes a scaler from what an earlier one learned.
   *
   * @param state Saved means and deviations.
   * @throws {TypeError} If they are not equally many finite numbers, the deviations above 0.
   */
  constructor(state: StandardScalerState) {
    const { mean, deviation } = state;
    const sound = mean.length === deviation.length && mean.every(Number.isFinite) &&
      deviation.every((value) => value > 0 && value < Infinity);
    if (!sound) {
      throw new TypeError(
        "Cannot make a StandardScaler: mean and deviation must be equally many finite numbers, the deviations above 0, got " +
          `[${mean.join(", ")}] and [${deviation.join(", ")}]`,
      );
    }
    this.state = { mean: [...mean], deviation: [...deviation] };
  }

  /**
   * Learns mean and (population) standard deviation of each column.
   *
   * @param series The training part.
   * @throws {RangeError} If it has no row, or a number in it is not finite.
   */
  static fit({ data, columns }: Series): StandardScaler {
    const rows = data.length / columns;
    if (!(Number.isInteger(rows) && rows >= 1)) {
      throw new RangeError(
        `Cannot fit a StandardScaler: the series must have whole rows, at least one, got ${data.length} numbers in ${columns} columns`,
      );
    }
    const column = (index: number) => Array.from({ length: rows }, (_, row) => data[row * columns + index]!);
    const state = Array.from({ length: columns }, (_, index) => {
      const values = column(index);
      const mean = values.reduce((a, b) => a + b, 0) / rows;
      const deviation = Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / rows);
      if (!Number.isFinite(deviation)) {
        throw new RangeError(`Cannot fit a StandardScaler: column ${index} must hold finite numbers, got mean ${mean}`);
      }
      // Rounding leaves a constant column with a deviation of about its last bit.
      return { mean, deviation: deviation > Math.abs(mean) * 1e-7 ? deviation : 1 };
    });
    return new StandardScaler({
      mean: state.map(({ mean }) => mean),
      deviation: state.map(({ deviation }) => deviation),
    });
  }

  #map({ data, columns }: Series, f: (value: number, mean: number, deviation: number) => number): Series {
    const { mean, deviation } = this.state;
    if (columns !== mean.length) {
      throw new TypeError(`Cannot scale: the series must have ${mean.length} columns, got ${columns}`);
    }
    return { data: data.map((value, i) => f(value, mean[i % columns]!, deviation[i % columns]!)), columns };
  }

  /** (x − mean)/deviation, as a new series. */
  transform(series: Series): Series {
    return this.#map(series, (value, mean, deviation) => (value - mean) / deviation);
  }

  /** x·deviation + mean, as a new series: the way back. */
  inverse(series: Series): Series {
    return this.#map(series, (value, mean, deviation) => value * deviation + mean);
  }
}
