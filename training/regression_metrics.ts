import { checkPairs } from "./_check_pairs.ts";

/** How well numbers were predicted. */
export interface RegressionMetrics {
  /** Mean squared error, Σ(p − a)²/n. */
  readonly mse: number;
  /** Mean absolute error, Σ|p − a|/n. */
  readonly mae: number;
  /** Root of the mean squared error. */
  readonly rmse: number;
  /** Coefficient of determination, 1 − Σ(p − a)²/Σ(a − ā)²; NaN where the actual values never change. */
  readonly r2: number;
}

/**
 * Compares predictions with what happened.
 *
 * @param predicted p.
 * @param actual a, equally many.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, or a number is not finite.
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
  // Rounding leaves a mean of equal numbers beside them.
  const constant = spread === 0 || Array.prototype.every.call(actual, (value: number) => value === actual[0]);
  const mse = squares / n;
  return { mse, mae: absolutes / n, rmse: Math.sqrt(mse), r2: constant ? NaN : 1 - squares / spread };
}
