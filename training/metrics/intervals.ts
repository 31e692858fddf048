import { checkPairs } from "../_check.ts";

/** Options for {@linkcode quantileLoss}. */
export interface QuantileLossOptions {
  /**
   * The quantile, q.
   *
   * @default {0.5}
   */
  quantile?: number;
}

/**
 * Quantile (pinball) loss of predicted quantiles: the mean of max(q·e, (q − 1)·e) with e = a − p. It is smallest if p is the
 * quantile q of a (Koenker and Bassett, 1978). The loss of the same name in `@unfold/layers` trains for it.
 *
 * @param predicted p.
 * @param actual a, of the same length.
 * @param options The quantile q.
 * @returns 0 or more, in the unit of a; half the mean absolute error at q = 0.5.
 * @throws {RangeError} If the lists are empty or differ in length, a value is not finite, or the quantile is not between 0
 * and 1.
 *
 * @example
 * ```ts
 * import { quantileLoss } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(quantileLoss([0, 4], [4, 0], { quantile: 0.75 }), 2);
 * ```
 */
export function quantileLoss(
  predicted: ArrayLike<number>,
  actual: ArrayLike<number>,
  options: QuantileLossOptions = {},
): number {
  const { quantile = 0.5 } = options;
  checkPairs(predicted, actual);
  if (!(quantile > 0 && quantile < 1)) {
    throw new RangeError(`Cannot compute the quantile loss: quantile must be above 0 and below 1, got ${quantile}`);
  }
  let total = 0;
  for (let i = 0; i < actual.length; i++) {
    const error = actual[i]! - predicted[i]!;
    total += Math.max(quantile * error, (quantile - 1) * error);
  }
  return total / actual.length;
}

/** Prediction intervals, one per actual value. */
export interface Intervals {
  /** The lower ends. */
  readonly low: ArrayLike<number>;
  /** The upper ends. */
  readonly high: ArrayLike<number>;
}

/** The result of {@linkcode intervalCoverage}. */
export interface IntervalCoverage {
  /** The fraction of actual values inside their interval, ends included. */
  readonly coverage: number;
  /** The mean of high − low. */
  readonly width: number;
}

/**
 * The coverage and mean width of prediction intervals. Of intervals with the requested coverage, narrower ones are better
 * (Gneiting and Raftery, 2007).
 *
 * @param predicted The lower and upper ends.
 * @param actual The actual values, of the same length.
 * @returns Coverage and mean width.
 * @throws {RangeError} If the lists are empty or differ in length, a value is not finite, or a lower end is above its upper end.
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
   * The fraction of values that the interval should contain.
   *
   * @default {0.9}
   */
  coverage?: number;
}

/** Prediction intervals of constant width around point forecasts. */
export interface ConformalInterval {
  /** Half the width. */
  readonly radius: number;
  /** The ends f − radius and f + radius around each forecast f. */
  around(forecasts: ArrayLike<number>): { low: Float64Array; high: Float64Array };
}

/**
 * Split conformal prediction (Vovk et al., 2005; Lei et al., 2018): prediction intervals for any point forecaster that contain
 * the actual value with at least the requested coverage, for any distribution of the errors. The radius is the
 * ⌈(n + 1)·coverage⌉-th smallest magnitude of the n calibration residuals.
 *
 * The guarantee holds on average over calibration sets, and only if future errors are exchangeable with those of the
 * calibration part: neither training nor model selection may have seen that part, and the series must not change over time.
 *
 * @param calibrationResiduals Actual minus forecast values of the calibration part; signs do not matter.
 * @param options The coverage.
 * @returns The radius, and a function that puts intervals around forecasts.
 * @throws {RangeError} If the coverage is not between 0 and 1, a residual is not finite, or there are fewer than
 * coverage/(1 − coverage) residuals.
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
    const least = ceil(coverage / (1 - coverage));
    throw new RangeError(
      `Cannot make an interval: a coverage of ${coverage} needs at least ${least} residuals, got ${sizes.length}`,
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
