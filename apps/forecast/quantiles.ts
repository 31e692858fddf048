/** The quantiles that every forecast has, in ascending order around the median. */
export const LEVELS = [0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975] as const;
/** The place of the median. */
export const MEDIAN = LEVELS.indexOf(0.5);
/** The places of the ends of the 95 % interval. */
export const [LOW, HIGH] = [0, LEVELS.length - 1] as const;
/** The fraction of values in the interval between the outermost quantiles. */
export const COVERAGE = 0.95;
/** The standard normal distribution's quantiles at the levels. */
const NORMAL = [-1.959964, -1.644854, -1.281552, -0.67449, 0, 0.67449, 1.281552, 1.644854, 1.959964] as const;

/** Quantiles of the steps ahead: one list for each of {@linkcode LEVELS}, with a value for each step. */
export type Quantiles = readonly Float64Array[];

/** The quantiles of normal distributions. */
export function normalQuantiles(
  { mean, deviation }: { readonly mean: Float64Array; readonly deviation: Float64Array },
): Quantiles {
  return NORMAL.map((z) => mean.map((value, h) => value + z * deviation[h]!));
}

/** The mean of several forecasts, quantile by quantile. */
export function averageOf(forecasts: readonly Quantiles[]): Quantiles {
  return LEVELS.map((_, level) =>
    forecasts[0]![level]!.map((_, h) =>
      forecasts.reduce((total, quantiles) => total + quantiles[level]![h]!, 0) / forecasts.length
    )
  );
}

/** By how much quantiles are stretched around the median: for each of {@linkcode LEVELS}, a factor for each step. */
export type Factors = readonly (readonly number[])[];

/**
 * The mean of a forecast, ∫ F⁻¹(q) dq by the trapezoidal rule over the levels; beyond the outermost ones the quantiles are
 * taken as constant.
 */
export function meanOf(quantiles: Quantiles): Float64Array {
  const edges = LEVELS.map((level, at) => at === 0 ? 0 : (LEVELS[at - 1]! + level) / 2).concat(1);
  return quantiles[MEDIAN]!.map((_, h) =>
    quantiles.reduce((total, values, at) => total + (edges[at + 1]! - edges[at]!) * values[h]!, 0)
  );
}

/** A forecast with its quantiles this many times as far from the median. Outer quantiles stay outside of inner ones. */
export function stretched(quantiles: Quantiles, factors: Factors): Quantiles {
  const median = quantiles[MEDIAN]!;
  const result = quantiles.map((values, level) =>
    values.map((value, h) => median[h]! + factors[level]![h]! * (value - median[h]!))
  );
  for (let level = MEDIAN + 1; level < LEVELS.length; level++) {
    const mirror = LEVELS.length - 1 - level;
    result[level]!.forEach((value, h) => result[level]![h] = Math.max(value, result[level - 1]![h]!));
    result[mirror]!.forEach((value, h) => result[mirror]![h] = Math.min(value, result[mirror + 1]![h]!));
  }
  return result;
}

/** A forecast of a series that was never below 0, such as sales, without values below 0; others stay as they are. */
export function within(quantiles: Quantiles, past: Float64Array): Quantiles {
  if (past.some((value) => value < 0)) return quantiles;
  return quantiles.map((values) => values.map((value) => Math.max(0, value)));
}

/** Forecasts that were made and what came after all. */
interface Checked {
  readonly quantiles: Quantiles;
  readonly actual: ArrayLike<number>;
}

/** Values below which factors are not trusted, and the number that a step's factors come from if there are so many. */
const [LEAST_VALUES, ENOUGH_VALUES] = [40, 2000];

/**
 * By how much quantiles must be stretched around the median to hold what they promise: split-conformal prediction with
 * the distance from the median, in units of the forecast's own, as the score (Lei et al., 2018; Romano et al., 2019). The
 * factor of a level q below the median is the (1 − 2q)-quantile of |actual − median| over the distance of q or 1 − q on
 * that side, with the finite-sample correction ⌈(n + 1)·(1 − 2q)⌉.
 *
 * Each step has its own factors, from the errors at this step. If those are few, errors at the steps before and after it
 * are added until there are {@linkcode ENOUGH_VALUES}.
 *
 * @param checked Forecasts of the past, which no training has seen, and the actual values.
 * @param horizon The number of steps ahead.
 * @returns The factors; 1 if there are too few values to tell.
 */
export function conformalFactors(checked: readonly Checked[], horizon: number): Factors {
  const reach = Math.ceil((ENOUGH_VALUES / checked.length - 1) / 2);
  return LEVELS.map((level, at) => {
    const mirror = LEVELS.length - 1 - at;
    const [low, high] = at < mirror ? [at, mirror] : [mirror, at];
    if (low === high) return new Array<number>(horizon).fill(1);
    const byStep = Array.from({ length: horizon }, (_, h) => scoresAt(checked, h, low, high));
    let pooled: readonly number[] = [];
    return byStep.map((_, h) => {
      // With few errors, all steps share them.
      if (h === 0 || reach < horizon) {
        pooled = byStep.slice(Math.max(0, h - reach), h + reach + 1).flat().sort((a, b) => a - b);
      }
      const rank = Math.ceil((pooled.length + 1) * Math.abs(1 - 2 * level) * (1 - 1e-9));
      return pooled.length < LEAST_VALUES || rank > pooled.length ? 1 : pooled[rank - 1]!;
    });
  });
}

/** The errors at a step, in units of the distance of a quantile on their side. */
function scoresAt(checked: readonly Checked[], h: number, low: number, high: number): number[] {
  const scores: number[] = [];
  for (const { quantiles, actual } of checked) {
    const median = quantiles[MEDIAN]![h]!;
    const error = actual[h]! - median;
    const unit = Math.abs(quantiles[error < 0 ? low : high]![h]! - median);
    if (unit > 0) scores.push(Math.abs(error) / unit);
    else if (error === 0) scores.push(0);
  }
  return scores;
}
