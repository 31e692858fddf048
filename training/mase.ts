import { checkCounts } from "./_check_counts.ts";
import { checkPairs } from "./_check_pairs.ts";

/** Options for {@linkcode mase}. */
export interface MaseOptions {
  /** The series that the forecaster was fitted on, in order of time. */
  training: ArrayLike<number>;
  /**
   * m, the time steps in a season: 12 for months, 1 where there are no seasons.
   *
   * @default {1}
   */
  season?: number;
}

/**
 * Mean absolute scaled error (Hyndman and Koehler, 2006): the mean of |p − a| over that of |yₜ − yₜ₋ₘ|, the error that the
 * (seasonal) naive forecast makes on the training series y. Below 1 is better than that.
 *
 * @param predicted p.
 * @param actual a, equally many.
 * @param options The training series, and its season m.
 * @returns 0 or more, without a unit.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, a number is not finite, the season is
 * no integer of 1 or more, or the training series is no longer than a season or the same in every season.
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
