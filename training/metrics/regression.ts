import { checkCounts } from "@unfold/core/support";
import { checkPairs } from "../_check.ts";

/** The result of {@linkcode regressionMetrics}. */
export interface RegressionMetrics {
  /** Mean squared error, Σ(p − a)²/n. */
  readonly mse: number;
  /** Mean absolute error, Σ|p − a|/n. */
  readonly mae: number;
  /** Root mean squared error, √mse. */
  readonly rmse: number;
  /** Coefficient of determination, 1 − Σ(p − a)²/Σ(a − ā)²; NaN if the actual values are constant. */
  readonly r2: number;
}

/**
 * Mean squared and absolute error, RMSE and R² of predictions.
 *
 * @param predicted p.
 * @param actual a, of the same length.
 * @throws {RangeError} If the lists are empty or differ in length, or a value is not finite.
 *
 * @example
 * ```ts
 * import { regressionMetrics } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const { mse, mae, rmse, r2 } = regressionMetrics([2, 2, 6], [1, 3, 5]);
 * assert.deepEqual([mse, mae, rmse, r2], [1, 1, 1, 1 - 3 / 8]);
 * ```
 */
export function regressionMetrics(predicted: ArrayLike<number>, actual: ArrayLike<number>): RegressionMetrics {
  checkPairs(predicted, actual);
  const n = actual.length;
  let [squares, absolutes, total] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const error = predicted[i]! - actual[i]!;
    squares += error ** 2;
    absolutes += Math.abs(error);
    total += actual[i]!;
  }
  let spread = 0;
  for (let i = 0; i < n; i++) spread += (actual[i]! - total / n) ** 2;
  // The mean of equal values can differ from them by rounding.
  const constant = spread === 0 || Array.prototype.every.call(actual, (value: number) => value === actual[0]);
  const mse = squares / n;
  return { mse, mae: absolutes / n, rmse: Math.sqrt(mse), r2: constant ? NaN : 1 - squares / spread };
}

/**
 * Mean absolute percentage error, as a fraction: Σ|p − a|/|a|/n. It has no upper bound for forecasts that are too high but is at
 * most 1 for positive ones that are too low, and values near 0 dominate it; {@linkcode mase} avoids both (Hyndman and Koehler, 2006).
 *
 * @param predicted p.
 * @param actual a, of the same length, without zeros.
 * @returns 0 or more; 0.05 is five percent.
 * @throws {RangeError} If the lists are empty or differ in length, a value is not finite, or an actual value is 0.
 *
 * @example
 * ```ts
 * import { mape } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(mape([110, 150], [100, 200]), (0.1 + 0.25) / 2);
 * ```
 */
export function mape(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  checkPairs(predicted, actual);
  let total = 0;
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i]!;
    if (a === 0) throw new RangeError(`Cannot compute a percentage error: actual[${i}] must not be 0, got ${a}`);
    total += Math.abs((predicted[i]! - a) / a);
  }
  return total / actual.length;
}

/**
 * Symmetric mean absolute percentage error, from 0 to 2: Σ 2·|p − a|/(|p| + |a|)/n (Makridakis, 1993). If both values are 0, the
 * error is 0.
 *
 * @param predicted p.
 * @param actual a, of the same length.
 * @returns 0 if all predictions are exact, 2 if all signs are wrong.
 * @throws {RangeError} If the lists are empty or differ in length, or a value is not finite.
 *
 * @example
 * ```ts
 * import { smape } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(smape([100, 0], [300, 0]), 0.5);
 * ```
 */
export function smape(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  checkPairs(predicted, actual);
  let total = 0;
  for (let i = 0; i < actual.length; i++) {
    const [p, a] = [predicted[i]!, actual[i]!];
    if (p !== a) total += 2 * Math.abs(p - a) / (Math.abs(p) + Math.abs(a));
  }
  return total / actual.length;
}

/** Options for {@linkcode mase}. */
export interface MaseOptions {
  /** The series that the forecaster was trained on, in order of time. */
  training: ArrayLike<number>;
  /**
   * The time steps in a season, m: 12 for monthly data, 1 without seasons.
   *
   * @default {1}
   */
  season?: number;
}

/**
 * Mean absolute scaled error (Hyndman and Koehler, 2006): the mean of |p − a| divided by the mean of |yₜ − yₜ₋ₘ|, the error of the
 * (seasonal) naive forecast on the training series y. Values below 1 beat that baseline.
 *
 * @param predicted p.
 * @param actual a, of the same length.
 * @param options The training series and its season m.
 * @returns 0 or more, without a unit.
 * @throws {RangeError} If the lists are empty or differ in length, a value is not finite, the season is not a positive integer,
 * or the training series is not longer than a season or repeats exactly in every season.
 *
 * @example
 * ```ts
 * import { mase } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const training = [1, 3, 5, 7];
 * assert.equal(mase([8, 12], [9, 11], { training }), 0.5);
 * assert.equal(mase([8, 12], [9, 11], { training, season: 2 }), 0.25);
 * ```
 */
export function mase(predicted: ArrayLike<number>, actual: ArrayLike<number>, options: MaseOptions): number {
  checkPairs(predicted, actual);
  const { training, season = 1 } = options;
  checkCounts("scale an error", { season });
  const seasonal = training.length - season;
  if (seasonal < 1) {
    throw new RangeError(
      `Cannot scale an error: training must have more than ${season} values, got ${training.length}`,
    );
  }
  let naive = 0;
  for (let t = season; t < training.length; t++) naive += Math.abs(training[t]! - training[t - season]!) / seasonal;
  if (!(naive > 0 && naive < Infinity)) {
    throw new RangeError(
      `Cannot scale an error: training must be finite and not the same in every season, got a naive error of ${naive}`,
    );
  }
  let total = 0;
  for (let i = 0; i < actual.length; i++) total += Math.abs(predicted[i]! - actual[i]!);
  return total / actual.length / naive;
}
