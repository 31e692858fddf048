import { type DType, matmul, reshape, scope, type Tensor } from "@unfold/core";
import { type Batch, type Part, type Series, type TimeSplit, Windows } from "@unfold/training";
import { logReturns } from "./features.ts";
import type { Forecaster } from "./forecaster.ts";
import type { Prices } from "./prices.ts";
import { realisedVolatility, type TargetName, TARGETS, targetsOf } from "./targets.ts";

/** A forecast without a network. */
interface Baseline {
  /** Its name in tables. */
  readonly label: string;
  /** Its forecast made on a day, in the target's own units. */
  readonly of: (day: number) => number;
}

/** The data that baselines may use. */
interface BaselineContext {
  readonly prices: Prices;
  readonly horizon: number;
  /** Days in a season. */
  readonly season: number;
  /** The days to fit to. Their targets are all known before the next part begins. */
  readonly train: Part;
}

/** Baselines by name. The first is the reference that skill is measured against. */
export type Baselines = Readonly<Record<string, Baseline>>;

/** Makes the baselines of each target. */
export const BASELINES: Readonly<Record<TargetName, (context: BaselineContext) => Baselines>> = {
  price: ofPrice,
  direction: ofDirection,
  volatility: ofVolatility,
};

function meanOver({ from, to }: Part, of: (day: number) => number): number {
  let total = 0;
  for (let day = from; day < to; day++) total += of(day);
  return total / (to - from);
}

/**
 * Naive: the price stays the same. Drift: it moves by the mean return of the training part. Seasonal: each day repeats the
 * return of the same day of the last season.
 */
function ofPrice({ prices, horizon, season, train }: BaselineContext): Baselines {
  const returns = logReturns(prices);
  const drift = meanOver(train, (day) => returns[day + 1]!);
  const seasonal = (day: number) => {
    let total = 0;
    for (let ahead = 1; ahead <= horizon; ahead++) total += returns[day + ahead - season * Math.ceil(ahead / season)]!;
    return total;
  };
  return {
    naive: { label: horizon === 1 ? "naive (tomorrow = today)" : "naive (no change)", of: () => 0 },
    drift: { label: "drift (mean return)", of: () => drift * horizon },
    seasonal: { label: `seasonal (${season} days ago)`, of: seasonal },
  };
}

/** Base rate: the fraction of rises in the training part. Naive: the last direction again. */
function ofDirection({ prices, horizon, train }: BaselineContext): Baselines {
  const { close } = prices;
  const rise = (day: number) => Number(close[day]! > close[day - horizon]!);
  const rate = meanOver(train, (day) => rise(day + horizon));
  return {
    rate: { label: `base rate (${(100 * rate).toFixed(1)} % up)`, of: () => rate },
    naive: { label: horizon === 1 ? "naive (same as today)" : `naive (same as the last ${horizon} days)`, of: rise },
  };
}

/** λ for daily data (RiskMetrics, 1996). */
const DECAY = 0.94;
/** Days in the mean that starts the recursion. */
const START = 21;
/** The spans of the HAR regression in days: a day, a week, a month. */
const SPANS = [1, 5, 21] as const;

/**
 * EWMA: the exponentially weighted mean of squared returns, σ²_t = λ·σ²_{t−1} + (1 − λ)·r_t² (RiskMetrics, 1996). Mean: the
 * mean volatility of the training part. HAR: least squares on the volatility of the last day, week and month (Corsi, 2009).
 * Naive: the last volatility again.
 *
 * The root of a mean square is larger than the mean of the roots, which minimises the squared error. So EWMA is
 * rescaled to fit the training part. The reference is EWMA or the mean, whichever is better on the training part: if
 * volatility is constant, forecasting its mean is no skill.
 */
function ofVolatility({ prices, horizon, train }: BaselineContext): Baselines {
  const returns = logReturns(prices);
  const past = (day: number, days: number) => realisedVolatility(returns, day + 1 - days, day);
  const variance = new Float64Array(returns.length);
  for (let day = 1; day < returns.length; day++) {
    variance[day] = day <= START
      ? realisedVolatility(returns, 1, day) ** 2
      : DECAY * variance[day - 1]! + (1 - DECAY) * returns[day]! ** 2;
  }
  const next = (day: number) => past(day + horizon, horizon);
  const level = meanOver(train, (day) => Math.sqrt(variance[day]!) * next(day)) /
    meanOver(train, (day) => variance[day]!);
  const mean = meanOver(train, next);
  const ewma = { label: `EWMA (λ = ${DECAY})`, of: (day: number) => level * Math.sqrt(variance[day]!) };
  const constant = { label: "mean (of the training part)", of: () => mean };
  const errorOf = ({ of }: Baseline) => meanOver(train, (day) => (of(day) - next(day)) ** 2);
  const references = errorOf(ewma) < errorOf(constant) ? { ewma, mean: constant } : { mean: constant, ewma };

  // Day START is the first with a month of returns.
  const features = {
    columns: SPANS.length,
    data: Float32Array.from(
      { length: (returns.length - START) * SPANS.length },
      (_, i) => past(START + Math.floor(i / SPANS.length), SPANS[i % SPANS.length]!),
    ),
  };
  const rows = (part: Part) =>
    new Windows({
      features,
      targets: targetsOf(prices, TARGETS.volatility, horizon, START),
      past: 1,
      batchSize: 512,
      from: part.from - START,
      to: part.to - START,
    });
  const regression = Ridge.fit(rows(train));
  const forecasts = Float64Array.from({ length: returns.length }, () => NaN);
  let day = START;
  for (const { x } of rows({ from: START, to: returns.length })) {
    for (const value of regression.predict(x)) forecasts[day++] = value;
  }
  return {
    ...references,
    har: { label: "HAR (day, week, month)", of: (day) => forecasts[day]! },
    naive: {
      label: horizon === 1 ? "naive (same as today)" : `naive (the last ${horizon} days)`,
      of: (day) => past(day, horizon),
    },
  };
}

/** Ridge regression on the windows that the network sees: scaled features, unscaled targets. */
export function ridgeBaseline(
  forecaster: Forecaster,
  { split, features, targets }: { readonly split: TimeSplit; readonly features: Series; readonly targets: Series },
): Baseline {
  const { config: { window }, featureSet: { warmUp } } = forecaster;
  const windows = (part: Part) => new Windows({ features, targets, past: window, batchSize: 512, ...part });
  const regression = Ridge.fit(windows(split.train), windows(split.validation));
  const forecasts: number[] = [];
  for (const { x } of windows(split.test)) forecasts.push(...regression.predict(x));
  return {
    label: "ridge regression",
    of: (day) => forecaster.clamp(forecasts[day - warmUp - split.test.from]!),
  };
}

/** Penalties λ per sample to choose from: from almost least squares to almost the mean. */
const PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];

/**
 * Ridge regression on whole windows (Hoerl and Kennard, 1970), the linear model that a network must beat:
 *
 *     ŷ = b + Σ wᵢ·xᵢ,   w = (XᵀX + n·λ·1)⁻¹·Xᵀy,   columns and y centred
 *
 * x holds all features of a window, y the last target column.
 */
export class Ridge {
  readonly #weights: Float64Array;
  readonly #bias: number;

  private constructor(weights: Float64Array, bias: number) {
    this.#weights = weights;
    this.#bias = bias;
  }

  /**
   * Fits the weights.
   *
   * @param train The training data.
   * @param validation Chooses λ. Without it λ = 0, which is least squares.
   */
  static fit(train: Iterable<Batch>, validation?: Iterable<Batch>): Ridge {
    const moments = momentsOf(train);
    if (validation === undefined) return Ridge.#solve(moments, 0);
    const candidates = PENALTIES.map((penalty) => ({ ridge: Ridge.#solve(moments, penalty), error: 0 }));
    for (const { x, y } of validation) {
      const actual = lastColumn(y);
      for (const candidate of candidates) {
        candidate.ridge.predict(x).forEach((value, i) => candidate.error += (value - actual[i]!) ** 2);
      }
    }
    return candidates.reduce((best, one) => one.error < best.error ? one : best).ridge;
  }

  static #solve({ count, meanX, meanY, xx, xy }: Moments, penalty: number): Ridge {
    const weights = solvePositiveDefinite(xx, xy, count * penalty);
    return new Ridge(weights, meanY - weights.reduce((total, weight, i) => total + weight * meanX[i]!, 0));
  }

  /** ŷ for each window, [batch, time, features]. */
  predict(x: Tensor<DType>): Float64Array {
    const weights = this.#weights;
    const data = x.data;
    return Float64Array.from({ length: x.shape[0]! }, (_, row) => {
      let total = this.#bias;
      for (let i = 0; i < weights.length; i++) total += weights[i]! * data[row * weights.length + i]!;
      return total;
    });
  }
}

function lastColumn(y: Tensor): Float64Array {
  const [rows, columns] = y.shape as [number, number];
  return Float64Array.from({ length: rows }, (_, row) => y.data[(row + 1) * columns - 1]!);
}

/** Means, and sums of products of centred values. */
interface Moments {
  readonly count: number;
  readonly meanX: Float64Array;
  readonly meanY: number;
  readonly xx: Float64Array;
  readonly xy: Float64Array;
}

/** Sums products with the library's kernels, in 32 bits within a batch and in 64 bits over batches. */
function momentsOf(batches: Iterable<Batch>): Moments {
  let [count, meanY] = [0, 0];
  let [meanX, xx, xy] = [new Float64Array(), new Float64Array(), new Float64Array()];
  for (const { x, y } of batches) {
    using _ = scope();
    const batch = x.shape[0]!;
    const rows = reshape(x as Tensor, [batch, x.size / batch]);
    const size = rows.shape[1]!;
    if (count === 0) [meanX, xx, xy] = [new Float64Array(size), new Float64Array(size * size), new Float64Array(size)];
    const target = lastColumn(y);
    const products = matmul(rows, rows, { transposeA: true }).data;
    for (let i = 0; i < xx.length; i++) xx[i]! += products[i]!;
    const data = rows.data;
    target.forEach((value, row) => {
      meanY += value;
      for (let i = 0; i < size; i++) {
        const cell = data[row * size + i]!;
        meanX[i]! += cell;
        xy[i]! += cell * value;
      }
    });
    count += batch;
  }
  const size = meanX.length;
  meanY /= count;
  for (let i = 0; i < size; i++) meanX[i]! /= count;
  for (let i = 0; i < size; i++) {
    xy[i]! -= count * meanX[i]! * meanY;
    for (let j = 0; j < size; j++) xx[i * size + j]! -= count * meanX[i]! * meanX[j]!;
  }
  return { count, meanX, meanY, xx, xy };
}

/** Solves (A + λ·1)·w = b for a symmetric A by Cholesky decomposition. A linearly dependent column gets weight 0. */
function solvePositiveDefinite(a: Float64Array, b: Float64Array, lambda: number): Float64Array {
  const size = b.length;
  const factor = a.slice();
  const w = b.slice();
  for (let i = 0; i < size; i++) {
    const row = factor.subarray(i * size, (i + 1) * size);
    for (let j = 0; j < i; j++) {
      const other = factor.subarray(j * size, (j + 1) * size);
      let total = row[j]!;
      for (let k = 0; k < j; k++) total -= row[k]! * other[k]!;
      row[j] = other[j] === Infinity ? 0 : total / other[j]!;
    }
    let rest = row[i]! + lambda;
    for (let k = 0; k < i; k++) rest -= row[k]! ** 2;
    // A column that depends on earlier ones leaves only rounding errors.
    row[i] = rest > 1e-7 * (a[i * size + i]! + lambda) ? Math.sqrt(rest) : Infinity;
    for (let k = 0; k < i; k++) w[i]! -= row[k]! * w[k]!;
    w[i]! /= row[i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) w[i]! -= factor[k * size + i]! * w[k]!;
    w[i]! /= factor[i * size + i]!;
  }
  return w;
}
