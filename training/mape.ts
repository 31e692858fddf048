import { checkPairs } from "./_check_pairs.ts";

/**
 * Mean absolute percentage error, as a fraction: Σ|p − a|/|a|/n. A forecast that is too high can cost more than any that
 * is too low, and values near 0 outweigh all others: see {@linkcode mase} (Hyndman and Koehler, 2006).
 *
 * @param predicted p.
 * @param actual a, equally many, none of them 0.
 * @returns 0 or more; 0.05 is five percent.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, a number is not finite, or an actual
 * value is 0.
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
