import { checkPairs } from "../_check.ts";

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

/** Options for {@linkcode conformalInterval}. */
export interface ConformalIntervalOptions {
  /**
   * How often the interval is to hold what happens.
   *
   * @default {0.9}
   */
  coverage?: number;
}

/** Intervals of one width around point forecasts. */
export interface ConformalInterval {
  /** Half the width. */
  readonly radius: number;
  /** The ends f − radius and f + radius around each forecast f. */
  around(forecasts: ArrayLike<number>): { low: Float64Array; high: Float64Array };
}

/**
 * Split conformal prediction (Vovk et al., 2005; Lei et al., 2018): intervals around any point forecaster that hold what
 * happens with at least the coverage asked for, whatever the errors' distribution. The radius is the ⌈(n + 1)·coverage⌉-th
 * smallest of the n calibration residuals' magnitudes.
 *
 * The promise holds on average over calibration sets, and where the errors to come are exchangeable with those of the
 * calibration part: data that neither training nor the choice of a model has seen, and a series that does not change its ways.
 *
 * @param calibrationResiduals Actual less forecast values of the calibration part; signs do not matter.
 * @param options The coverage.
 * @returns The radius, and what puts it around forecasts.
 * @throws {RangeError} If the coverage does not lie between 0 and 1, a residual is not finite, or there are too few for the
 * coverage: fewer than coverage/(1 − coverage).
 *
 * @example
 * ```ts
 * import { conformalInterval } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const interval = conformalInterval([0.5, -1, 2, -0.1], { coverage: 0.6 });
 * assert.equal(interval.radius, 1);
 * assert.deepEqual(interval.around([10, 20]), { low: Float64Array.of(9, 19), high: Float64Array.of(11, 21) });
 * ```
 */
export function conformalInterval(
  calibrationResiduals: ArrayLike<number>,
  options: ConformalIntervalOptions = {},
): ConformalInterval {
  const { coverage = 0.9 } = options;
  if (!(coverage > 0 && coverage < 1)) {
    throw new RangeError(`Cannot make an interval: coverage must be above 0 and below 1, got ${coverage}`);
  }
  const sizes = Float64Array.from(calibrationResiduals, Math.abs);
  const bad = sizes.findIndex((size) => !Number.isFinite(size));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot make an interval: calibrationResiduals[${bad}] must be a finite number, got ${calibrationResiduals[bad]}`,
    );
  }
  // Rounding lifts products such as 100 · 0.07 just above an integer.
  const ceil = (value: number) => Math.ceil(value * (1 - 1e-9));
  const rank = ceil((sizes.length + 1) * coverage);
  if (rank > sizes.length) {
    throw new RangeError(
      `Cannot make an interval: for a coverage of ${coverage} there must be ${
        ceil(coverage / (1 - coverage))
      } residuals ` +
        `at least, got ${sizes.length}`,
    );
  }
  const radius = sizes.sort()[rank - 1]!;
  return {
    radius,
    around: (forecasts) => ({
      low: Float64Array.from(forecasts, (forecast) => forecast - radius),
      high: Float64Array.from(forecasts, (forecast) => forecast + radius),
    }),
  };
}
