import { checkAffine, fitAffine, fromScaled, toScaled } from "./_affine_scaler.ts";
import type { Scaler } from "./scaler.ts";
import type { Series } from "./windows.ts";

/** What a {@linkcode RobustScaler} learned: one entry a column. */
export interface RobustScalerState {
  /** Which scaler this is. */
  readonly kind: "robust";
  /** Medians. */
  readonly median: readonly number[];
  /** Interquartile ranges; 1 for a column whose middle half never changes. */
  readonly range: readonly number[];
}

/**
 * Brings each column to median 0 and interquartile range 1: y = (x − median)/range, which a few wild values hardly change.
 * Quantiles between two values are interpolated linearly (Hyndman and Fan, 1996, definition 7, the default of NumPy). Fit
 * it on the training part alone.
 *
 * @example
 * ```ts
 * import { RobustScaler } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const scaler = RobustScaler.fit({ data: Float32Array.of(1, 2, 3, 4, 1000), columns: 1 });
 * assert.deepEqual(scaler.state, { kind: "robust", median: [3], range: [2] });
 * const scaled = scaler.transform({ data: Float32Array.of(4), columns: 1 });
 * assert.deepEqual(scaled.data, Float32Array.of(0.5));
 * assert.deepEqual(scaler.inverse(scaled).data, Float32Array.of(4));
 * ```
 */
export class RobustScaler implements Scaler {
  /** Medians and interquartile ranges; as JSON it is what is saved with a model. */
  readonly state: RobustScalerState;

  /**
   * Makes a scaler from what an earlier one learned.
   *
   * @param state Saved medians and interquartile ranges.
   * @throws {TypeError} If they are not equally many finite numbers, the ranges above 0.
   */
  constructor({ median, range }: Omit<RobustScalerState, "kind">) {
    checkAffine("RobustScaler", { median, range });
    this.state = { kind: "robust", median: [...median], range: [...range] };
  }

  /**
   * Learns median and interquartile range of each column.
   *
   * @param series The training part.
   * @throws {RangeError} If it has no row, or a number in it is not finite.
   */
  static fit(series: Series): RobustScaler {
    const { shift, scale } = fitAffine("RobustScaler", series, (column) => {
      const sorted = column.toSorted();
      return { shift: quantile(sorted, 0.5), scale: quantile(sorted, 0.75) - quantile(sorted, 0.25) };
    });
    return new RobustScaler({ median: shift, range: scale });
  }

  /** (x − median)/range, as a new series. */
  transform(series: Series): Series {
    return toScaled(series, this.state.median, this.state.range);
  }

  /** x·range + median, as a new series: the way back. */
  inverse(series: Series): Series {
    return fromScaled(series, this.state.median, this.state.range);
  }
}

/** The quantile q of sorted numbers. */
function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const index = Math.floor(position);
  const low = sorted[index]!;
  return low + (position - index) * ((sorted[index + 1] ?? low) - low);
}
