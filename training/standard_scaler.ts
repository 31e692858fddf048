import { checkAffine, fitAffine, fromScaled, toScaled } from "./_affine_scaler.ts";
import type { Scaler } from "./scaler.ts";
import type { Series } from "./windows.ts";

/** What a {@linkcode StandardScaler} learned: one entry a column. */
export interface StandardScalerState {
  /** Which scaler this is. */
  readonly kind: "standard";
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
 * assert.deepEqual(scaler.state, { kind: "standard", mean: [2, 10], deviation: [1, 1] });
 * const scaled = scaler.transform({ data: Float32Array.of(4, 11), columns: 2 });
 * assert.deepEqual(scaled.data, Float32Array.of(2, 1));
 * assert.deepEqual(scaler.inverse(scaled).data, Float32Array.of(4, 11));
 * ```
 */
export class StandardScaler implements Scaler {
  /** Means and deviations; as JSON it is what is saved with a model. */
  readonly state: StandardScalerState;

  /**
   * Makes a scaler from what an earlier one learned.
   *
   * @param state Saved means and deviations.
   * @throws {TypeError} If they are not equally many finite numbers, the deviations above 0.
   */
  constructor({ mean, deviation }: Omit<StandardScalerState, "kind">) {
    checkAffine("StandardScaler", { mean, deviation });
    this.state = { kind: "standard", mean: [...mean], deviation: [...deviation] };
  }

  /**
   * Learns mean and (population) standard deviation of each column.
   *
   * @param series The training part.
   * @throws {RangeError} If it has no row, or a number in it is not finite.
   */
  static fit(series: Series): StandardScaler {
    const { shift, scale } = fitAffine("StandardScaler", series, (column) => {
      const mean = column.reduce((a, b) => a + b, 0) / column.length;
      const deviation = Math.sqrt(column.reduce((total, value) => total + (value - mean) ** 2, 0) / column.length);
      // Rounding leaves a constant column with a deviation of about its last bit.
      return { shift: mean, scale: deviation > Math.abs(mean) * 1e-7 ? deviation : 0 };
    });
    return new StandardScaler({ mean: shift, deviation: scale });
  }

  /** (x − mean)/deviation, as a new series. */
  transform(series: Series): Series {
    return toScaled(series, this.state.mean, this.state.deviation);
  }

  /** x·deviation + mean, as a new series: the way back. */
  inverse(series: Series): Series {
    return fromScaled(series, this.state.mean, this.state.deviation);
  }
}
