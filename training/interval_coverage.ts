import { checkPairs } from "./_check_pairs.ts";

/** Intervals that were predicted, one for each actual value. */
export interface Intervals {
  /** Where each starts. */
  readonly low: ArrayLike<number>;
  /** Where each ends. */
  readonly high: ArrayLike<number>;
}

/** How well intervals did. */
export interface IntervalCoverage {
  /** The share of actual values within their interval, ends included. */
  readonly coverage: number;
  /** The mean of high − low. */
  readonly width: number;
}

/**
 * How often predicted intervals hold what happened, and how wide they are: of intervals with the coverage that was asked
 * for, the narrower are the better (Gneiting and Raftery, 2007).
 *
 * @param predicted Lower and upper ends.
 * @param actual What happened, equally many.
 * @returns Coverage and mean width.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, a number is not finite, or an interval
 * ends before it starts.
 *
 * @example
 * ```ts
 * import { intervalCoverage } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const scores = intervalCoverage({ low: [0, 0], high: [1, 3] }, [1, 4]);
 * assert.deepEqual(scores, { coverage: 0.5, width: 2 });
 * ```
 */
export function intervalCoverage({ low, high }: Intervals, actual: ArrayLike<number>): IntervalCoverage {
  checkPairs(low, actual, "low");
  checkPairs(high, actual, "high");
  let [covered, width] = [0, 0];
  for (let i = 0; i < actual.length; i++) {
    const [from, to, value] = [low[i]!, high[i]!, actual[i]!];
    if (from > to) {
      throw new RangeError(`Cannot judge intervals: low[${i}] must not be above high[${i}], got ${from} and ${to}`);
    }
    if (from <= value && value <= to) covered++;
    width += to - from;
  }
  return { coverage: covered / actual.length, width: width / actual.length };
}
