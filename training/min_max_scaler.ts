import { checkAffine, fitAffine, fromScaled, toScaled } from "./_affine_scaler.ts";
import type { Scaler } from "./scaler.ts";
import type { Series } from "./windows.ts";

/** What a {@linkcode MinMaxScaler} learned: one entry a column. */
export interface MinMaxScalerState {
  /** Which scaler this is. */
  readonly kind: "minMax";
  /** Least values. */
  readonly minimum: readonly number[];
  /** Greatest values less the least; 1 for a column that never changes. */
  readonly range: readonly number[];
}

/**
 * Brings each column to numbers from 0 to 1: y = (x − minimum)/range. What was not seen in fitting may lie outside. Fit it
 * on the training part alone.
 *
 * @example
 * ```ts
 * import { MinMaxScaler } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const scaler = MinMaxScaler.fit({ data: Float32Array.of(1, 10, 5, 10), columns: 2 });
 * assert.deepEqual(scaler.state, { kind: "minMax", minimum: [1, 10], range: [4, 1] });
 * const scaled = scaler.transform({ data: Float32Array.of(3, 11), columns: 2 });
 * assert.deepEqual(scaled.data, Float32Array.of(0.5, 1));
 * assert.deepEqual(scaler.inverse(scaled).data, Float32Array.of(3, 11));
 * ```
 */
export class MinMaxScaler implements Scaler {
  /** Minima and ranges; as JSON it is what is saved with a model. */
  readonly state: MinMaxScalerState;

  /**
   * Makes a scaler from what an earlier one learned.
   *
   * @param state Saved minima and ranges.
   * @throws {TypeError} If they are not equally many finite numbers, the ranges above 0.
   */
  constructor({ minimum, range }: Omit<MinMaxScalerState, "kind">) {
    checkAffine("MinMaxScaler", { minimum, range });
    this.state = { kind: "minMax", minimum: [...minimum], range: [...range] };
  }

  /**
   * Learns minimum and range of each column.
   *
   * @param series The training part.
   * @throws {RangeError} If it has no row, or a number in it is not finite.
   */
  static fit(series: Series): MinMaxScaler {
    const { shift, scale } = fitAffine("MinMaxScaler", series, (column) => {
      const minimum = column.reduce((a, b) => Math.min(a, b));
      return { shift: minimum, scale: column.reduce((a, b) => Math.max(a, b)) - minimum };
    });
    return new MinMaxScaler({ minimum: shift, range: scale });
  }

  /** (x − minimum)/range, as a new series. */
  transform(series: Series): Series {
    return toScaled(series, this.state.minimum, this.state.range);
  }

  /** x·range + minimum, as a new series: the way back. */
  inverse(series: Series): Series {
    return fromScaled(series, this.state.minimum, this.state.range);
  }
}
