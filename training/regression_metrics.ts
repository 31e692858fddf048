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
 * @throws {RangeError} If there is nothing to compare, or the numbers differ.
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
  const n = actual.length;
  if (n === 0 || predicted.length !== n) {
    throw new RangeError(
      `Cannot compare predictions: there must be one for each actual value, and one at least, got ${predicted.length} for ${n}`,
    );
  }
  let [squares, absolutes, total] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const error = predicted[i]! - actual[i]!;
    squares += error ** 2;
    absolutes += Math.abs(error);
    total += actual[i]!;
  }
  let spread = 0;
  for (let i = 0; i < n; i++) spread += (actual[i]! - total / n) ** 2;
  const mse = squares / n;
  return { mse, mae: absolutes / n, rmse: Math.sqrt(mse), r2: spread === 0 ? NaN : 1 - squares / spread };
}
