import { intervalCoverage, quantileLoss, smape } from "@unfold/training";
import { COVERAGE, HIGH, LEVELS, LOW, MEDIAN, type Quantiles } from "./quantiles.ts";

/** How good the forecasts of one series from one origin are. */
export interface Score {
  /** The mean absolute error. */
  readonly mae: number;
  /** The root mean squared error. */
  readonly rmse: number;
  /** The mean absolute scaled error; undefined if the series repeats exactly, so that there is no scale. */
  readonly mase: number | undefined;
  /** The symmetric mean absolute percentage error, from 0 to 200 %. */
  readonly smape: number;
  /** The mean scaled interval score of the 95 % interval; undefined like the scaled error. */
  readonly msis: number | undefined;
  /** The fraction of values in the 95 % interval. */
  readonly coverage: number;
  /** Twice the sum of the quantile losses over the levels' mean, and the sum of the actual values' magnitudes. */
  readonly losses: number;
  readonly magnitudes: number;
}

/** The scores of a method over series and origins: means, and ratios of sums. */
export interface Summary {
  readonly mase: number;
  readonly smape: number;
  readonly rmse: number;
  readonly msis: number;
  readonly coverage: number;
  /** The weighted quantile loss, 2·Σ_q Σ loss_q/(|q|·Σ|y|). */
  readonly wql: number;
  /** The overall weighted average of the M4 competition; undefined without the reference. */
  readonly owa?: number;
}

/**
 * The scale of MASE and MSIS: the mean of |y_t − y_{t−m}|, the error of the seasonal naive forecast in the training
 * part (Hyndman and Koehler, 2006); undefined if it is 0 or there is no season to compare.
 */
export function seasonalScale(training: Float64Array, season: number): number | undefined {
  const m = season < training.length ? season : 1;
  let total = 0;
  for (let t = m; t < training.length; t++) total += Math.abs(training[t]! - training[t - m]!);
  return total > 0 ? total / (training.length - m) : undefined;
}

/**
 * Scores a forecast. With the scale s of {@linkcode seasonalScale}, the interval [l, u] and a = 5 %,
 *
 *     MASE = mean |y − ŷ|/s
 *     MSIS = mean (u − l + (2/a)·(l − y)₊ + (2/a)·(y − u)₊)/s
 *
 * as the M4 competition defines them (Makridakis et al., 2020).
 */
export function scoreOf(
  quantiles: Quantiles,
  actual: Float64Array,
  { training, season }: { readonly training: Float64Array; readonly season: number },
): Score {
  const [low, median, high] = [quantiles[LOW]!, quantiles[MEDIAN]!, quantiles[HIGH]!];
  const n = actual.length;
  const penalty = 2 / (1 - COVERAGE);
  let [absolute, squares, interval, magnitudes] = [0, 0, 0, 0];
  actual.forEach((value, h) => {
    absolute += Math.abs(value - median[h]!) / n;
    squares += (value - median[h]!) ** 2 / n;
    magnitudes += Math.abs(value);
    interval += (high[h]! - low[h]! + penalty * (Math.max(0, low[h]! - value) + Math.max(0, value - high[h]!))) / n;
  });
  const scale = seasonalScale(training, season);
  const losses = LEVELS.map((level, at) => quantileLoss(quantiles[at]!, actual, { quantile: level }));
  return {
    mae: absolute,
    rmse: Math.sqrt(squares),
    mase: scale && absolute / scale,
    smape: 100 * smape(median, actual),
    msis: scale && interval / scale,
    coverage: intervalCoverage({ low, high }, actual).coverage,
    losses: 2 * n * losses.reduce((a, b) => a + b) / LEVELS.length,
    magnitudes,
  };
}

function meanOf(values: readonly (number | undefined)[]): number {
  const known = values.filter((value) => value !== undefined);
  return known.reduce((a, b) => a + b, 0) / known.length;
}

/** The scores of a method over all series and origins. */
export function summarise(scores: readonly Score[]): Summary {
  const sum = (of: (score: Score) => number) => scores.reduce((total, score) => total + of(score), 0);
  return {
    mase: meanOf(scores.map(({ mase }) => mase)),
    smape: meanOf(scores.map(({ smape }) => smape)),
    rmse: meanOf(scores.map(({ rmse }) => rmse)),
    msis: meanOf(scores.map(({ msis }) => msis)),
    coverage: meanOf(scores.map(({ coverage }) => coverage)),
    wql: sum(({ losses }) => losses) / sum(({ magnitudes }) => magnitudes),
  };
}

/** Adds the overall weighted average, ½·(sMAPE/sMAPE_ref + MASE/MASE_ref), where the reference is Naive2. */
export function withOwa(summary: Summary, reference: Summary): Summary {
  return { ...summary, owa: (summary.smape / reference.smape + summary.mase / reference.mase) / 2 };
}
