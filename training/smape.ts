import { checkPairs } from "./_check_pairs.ts";

/**
 * Symmetric mean absolute percentage error, from 0 to 2: Σ 2·|p − a|/(|p| + |a|)/n (Makridakis, 1993). Where both are 0,
 * the error is 0.
 *
 * @param predicted p.
 * @param actual a, equally many.
 * @returns 0 where all is right, 2 where every sign is wrong.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, or a number is not finite.
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
