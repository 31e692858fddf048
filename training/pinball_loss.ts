import { checkPairs } from "./_check_pairs.ts";

/** Options for {@linkcode pinballLoss}. */
export interface PinballLossOptions {
  /**
   * q.
   *
   * @default {0.5}
   */
  quantile?: number;
}

/**
 * Pinball loss, by which predicted quantiles are judged: the mean of max(q·e, (q − 1)·e) with e = a − p; it is least where
 * p is the quantile q of a (Koenker and Bassett, 1978).
 *
 * @param predicted p.
 * @param actual a, equally many.
 * @param options The quantile q.
 * @returns 0 or more, in the unit of a; half the mean absolute error at q = 0.5.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, a number is not finite, or the
 * quantile does not lie between 0 and 1.
 *
 * @example
 * ```ts
 * import { pinballLoss } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(pinballLoss([0, 4], [4, 0], { quantile: 0.75 }), 2);
 * ```
 */
export function pinballLoss(
  predicted: ArrayLike<number>,
  actual: ArrayLike<number>,
  options: PinballLossOptions = {},
): number {
  const { quantile = 0.5 } = options;
  checkPairs(predicted, actual);
  if (!(quantile > 0 && quantile < 1)) {
    throw new RangeError(`Cannot compute the pinball loss: quantile must be above 0 and below 1, got ${quantile}`);
  }
  let total = 0;
  for (let i = 0; i < actual.length; i++) {
    const error = actual[i]! - predicted[i]!;
    total += Math.max(quantile * error, (quantile - 1) * error);
  }
  return total / actual.length;
}
