import { checkPairs } from "../_check.ts";

/** Options for {@linkcode dieboldMariano}. */
export interface DieboldMarianoOptions {
  /**
   * The forecast horizon in steps, h. The errors of overlapping forecasts correlate over h − 1 steps.
   *
   * @default {1}
   */
  horizon?: number;
}

/** The result of {@linkcode dieboldMariano}. */
export interface DieboldMariano {
  /** The mean difference of squared errors, first minus second, over its standard error. Below 0 the first forecast is better. */
  readonly statistic: number;
  /** The probability of a statistic at least this far from 0 if both forecasts are equally good. */
  readonly pValue: number;
}

/**
 * Tests whether two forecasts differ in accuracy (Diebold and Mariano, 1995), on squared errors:
 *
 *     d_t = a_t² − b_t²,   statistic = mean(d)/√((γ₀ + 2·Σ γ_k)/n) over k < h
 *
 * with the autocovariances γ of d, corrected for small samples and compared with Student's t with n − 1 degrees of freedom
 * (Harvey, Leybourne and Newbold, 1997). If the sum is not positive, which can happen for h > 1, each γ_k gets Bartlett's weight
 * 1 − k/h.
 *
 * @param errors a, the errors of the first forecast, in order of time.
 * @param others b, the errors of the second forecast at the same times.
 * @throws {RangeError} If the lists differ in length or hold values that are not finite, h is not an integer from 1 to n − 1, or
 * the variance of d is not positive.
 *
 * @example
 * ```ts
 * import { dieboldMariano } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const { statistic, pValue } = dieboldMariano([1, -1, 2, 1, -1, 0.5], [2, -3, 2, 3, -2, 1]);
 * assert.ok(statistic < 0 && pValue < 0.05);
 * ```
 */
export function dieboldMariano(
  errors: ArrayLike<number>,
  others: ArrayLike<number>,
  options: DieboldMarianoOptions = {},
): DieboldMariano {
  const { horizon = 1 } = options;
  checkPairs(errors, others);
  const n = errors.length;
  if (!Number.isInteger(horizon) || horizon < 1 || horizon >= n) {
    throw new RangeError(`Cannot compare forecasts: horizon must be an integer from 1 to ${n - 1}, got ${horizon}`);
  }
  const d = Float64Array.from({ length: n }, (_, t) => errors[t]! ** 2 - others[t]! ** 2);
  const mean = d.reduce((a, b) => a + b) / n;
  const covariance = (lag: number) => {
    let total = 0;
    for (let t = lag; t < n; t++) total += (d[t]! - mean) * (d[t - lag]! - mean);
    return total / n;
  };
  const covariances = Array.from({ length: horizon }, (_, lag) => covariance(lag));
  const longRun = (weight: (lag: number) => number) =>
    covariances.reduce((total, value, lag) => total + (lag === 0 ? 1 : 2 * weight(lag)) * value, 0);
  let variance = longRun(() => 1);
  if (!(variance > 0)) variance = longRun((lag) => 1 - lag / horizon);
  if (!(variance > 0)) {
    throw new RangeError(
      `Cannot compare forecasts: the differences of their squared errors must have a variance above 0, got ${variance}`,
    );
  }
  const correction = Math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n);
  const statistic = correction * mean / Math.sqrt(variance / n);
  return { statistic, pValue: studentBeyond(statistic, n - 1) };
}

/** The two-sided tail probability of Student's t distribution: P(|T| > |t|). */
export function studentBeyond(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
}

/** The regularised incomplete beta function I_x(a, b), by its continued fraction (Press et al., 6.4). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  // The fraction converges fast only on this side.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const tiny = 1e-300;
  let [c, d] = [1, 1 / (1 - (a + b) * x / (a + 1) || tiny)];
  let fraction = d;
  for (let m = 1; m < 1000; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const term of [even, odd]) {
      d = 1 / (1 + term * d || tiny);
      c = 1 + term / c || tiny;
      change = c * d;
      fraction *= change;
    }
    if (Math.abs(change - 1) < 1e-15) break;
  }
  const front = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x);
  return Math.exp(front) * fraction / a;
}

/** ln Γ(x) for x > 0, by Lanczos' approximation (Press et al., Numerical Recipes, 6.1). */
function logGamma(x: number): number {
  const coefficients = [
    76.18009172947146,
    -86.50532032941677,
    24.01409824083091,
    -1.231739572450155,
    1.208650973866179e-3,
    -5.395239384953e-6,
  ];
  const sum = coefficients.reduce((total, value, i) => total + value / (x + 1 + i), 1.000000000190015);
  return (x + 0.5) * Math.log(x + 5.5) - (x + 5.5) + Math.log(2.5066282746310005 * sum / x);
}
