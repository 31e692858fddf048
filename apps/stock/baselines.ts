import { type DType, matmul, reshape, scope, type Tensor } from "@unfold/core";
import { type Batch, type Part, Windows } from "@unfold/training";
import { logReturns } from "./features.ts";
import type { Prices } from "./prices.ts";
import { realisedVolatility, type TargetName, TARGETS, targetsOf } from "./targets.ts";

/** Penalties to choose among, a sample each: from almost none to almost nothing but the mean. */
const PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];

/**
 * Ridge regression on whole windows (Hoerl and Kennard, 1970), the straight line that a network must beat:
 *
 *     ŷ = b + Σ wᵢ·xᵢ,   w = (XᵀX + n·λ·1)⁻¹·Xᵀy,   columns and y centred
 *
 * x are the numbers of a window, y is the last target column.
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
   * @param train What to learn from.
   * @param validation What to choose λ by; without it λ = 0, which is least squares. Of several solutions, where columns add up to
   * another one, it is the one with the smallest weights.
   */
  static fit(train: Iterable<Batch>, validation?: Iterable<Batch>): Ridge {
    if (validation === undefined) return Ridge.#solve(exactMomentsOf(train), 0);
    const moments = momentsOf(train);
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

  /** ŷ of each window, [batch, time, features]. */
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

/** Means, and sums of centred products. */
interface Moments {
  readonly count: number;
  readonly meanX: Float64Array;
  readonly meanY: number;
  readonly xx: Float64Array;
  readonly xy: Float64Array;
}

/** Products are summed a batch at a time in 32 bits by the library's kernels, the batches in 64. */
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
        const number = data[row * size + i]!;
        meanX[i]! += number;
        xy[i]! += number * value;
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

/** The same in 64 bits throughout: without a penalty, rounding would pass for what columns do not share. */
function exactMomentsOf(batches: Iterable<Batch>): Moments {
  let [count, meanY, originY] = [0, 0, 0];
  let [meanX, origin, xx, xy] = [new Float64Array(), new Float64Array(), new Float64Array(), new Float64Array()];
  for (const { x, y } of batches) {
    const batch = x.shape[0]!;
    const size = x.size / batch;
    const [data, target] = [x.data, lastColumn(y)];
    if (count === 0) {
      // Numbers far from 0 lose digits when they are squared.
      [origin, originY] = [Float64Array.from(data.subarray(0, size)), target[0]!];
      [meanX, xx, xy] = [new Float64Array(size), new Float64Array(size * size), new Float64Array(size)];
    }
    const row = new Float64Array(size);
    target.forEach((actual, index) => {
      const value = actual - originY;
      meanY += value;
      for (let i = 0; i < size; i++) {
        row[i] = data[index * size + i]! - origin[i]!;
        meanX[i]! += row[i]!;
        xy[i]! += row[i]! * value;
        for (let j = 0; j <= i; j++) xx[i * size + j]! += row[i]! * row[j]!;
      }
    });
    count += batch;
  }
  const size = meanX.length;
  meanY /= count;
  for (let i = 0; i < size; i++) meanX[i]! /= count;
  for (let i = 0; i < size; i++) {
    xy[i]! -= count * meanX[i]! * meanY;
    for (let j = 0; j <= i; j++) {
      xx[i * size + j]! -= count * meanX[i]! * meanX[j]!;
      xx[j * size + i] = xx[i * size + j]!;
    }
  }
  return { count, meanX: meanX.map((mean, i) => mean + origin[i]!), meanY: meanY + originY, xx, xy };
}

/**
 * Solves (A + λ·1)·w = b for a symmetric A by Cholesky's factors. If λ is 0 and A is singular, w is the solution with the smallest
 * norm, which a very small λ finds.
 */
function solvePositiveDefinite(
  a: Float64Array,
  b: Float64Array,
  lambda: number,
  // The columns are floats of 32 bits, so one that others add up to leaves about 1e-14 of its variance.
  least = lambda === 0 ? 1e-10 : 1e-7,
): Float64Array {
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
    // What is left of a column that others add up to is rounding.
    const isRounding = !(rest > least * (a[i * size + i]! + lambda));
    if (isRounding && lambda === 0) {
      const trace = b.reduce((total, _, k) => total + a[k * size + k]!, 0);
      if (trace > 0) return solvePositiveDefinite(a, b, 1e-9 * trace / size, 0);
    }
    row[i] = isRounding ? Infinity : Math.sqrt(rest);
    for (let k = 0; k < i; k++) w[i]! -= row[k]! * w[k]!;
    w[i]! /= row[i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) w[i]! -= factor[k * size + i]! * w[k]!;
    w[i]! /= factor[i * size + i]!;
  }
  return w;
}

/** A forecast that needs no network. */
interface Baseline {
  /** What tables call it. */
  readonly label: string;
  /** Its forecast on a day, of what is learned. */
  readonly of: (day: number) => number;
}

/** What baselines may know. */
interface BaselineContext {
  readonly prices: Prices;
  readonly horizon: number;
  /** Days in a season. */
  readonly season: number;
  /** The days to learn from, the targets of which are known at their end. */
  readonly train: Part;
}

/** Baselines by name. The first is the one that skill is measured by. */
export type Baselines = Readonly<Record<string, Baseline>>;

function meanOver({ from, to }: Part, of: (day: number) => number): number {
  let total = 0;
  for (let day = from; day < to; day++) total += of(day);
  return total / (to - from);
}

/**
 * The price stays; it goes on as it went in the training part; each day does what the same day of the last season did.
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
    naive: { label: horizon === 1 ? "naive (tomorrow = today)" : "naive (it stays as today)", of: () => 0 },
    drift: { label: "drift (the mean return)", of: () => drift * horizon },
    seasonal: { label: `seasonal (${season} days ago)`, of: seasonal },
  };
}

/** The share of rises in the training part; what happened last. */
function ofDirection({ prices, horizon, train }: BaselineContext): Baselines {
  const { close } = prices;
  const rise = (day: number) => Number(close[day]! > close[day - horizon]!);
  const rate = meanOver(train, (day) => rise(day + horizon));
  return {
    rate: { label: `the base rate (${(100 * rate).toFixed(1)} % rises)`, of: () => rate },
    naive: { label: horizon === 1 ? "naive (as today)" : `naive (as the last ${horizon} days)`, of: rise },
  };
}

/** λ of daily data (RiskMetrics, 1996). */
const DECAY = 0.94;
/** Days that the weighted mean starts from. */
const START = 21;
/** Days of the heterogeneous regression: a day, a week, a month. */
const SPANS = [1, 5, 21] as const;

/**
 * The exponentially weighted mean of squared returns, σ²_t = λ·σ²_{t−1} + (1 − λ)·r_t² (RiskMetrics, 1996); the mean of
 * the training part; the heterogeneous autoregression of volatility on that of the last day, week and month, by least
 * squares (Corsi, 2009); what it was last.
 *
 * The root of a mean of squares lies above the mean of roots, which is what a small squared error needs: EWMA is
 * brought to the level of the training part. Whichever of it and the mean is better there is the reference, so that in
 * a series without anything to foretell nobody shines by saying the mean.
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
  const comes = (day: number) => past(day + horizon, horizon);
  const level = meanOver(train, (day) => Math.sqrt(variance[day]!) * comes(day)) /
    meanOver(train, (day) => variance[day]!);
  const mean = meanOver(train, comes);
  const ewma = { label: `EWMA (λ = ${DECAY})`, of: (day: number) => level * Math.sqrt(variance[day]!) };
  const constant = { label: "the mean (of the training part)", of: () => mean };
  const errorOf = ({ of }: Baseline) => meanOver(train, (day) => (of(day) - comes(day)) ** 2);
  const references = errorOf(ewma) < errorOf(constant) ? { ewma, mean: constant } : { mean: constant, ewma };

  // Day START is the first that has a month behind it.
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
      ahead: 0,
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
    har: { label: "HAR (a day, a week, a month)", of: (day) => forecasts[day]! },
    naive: {
      label: horizon === 1 ? "naive (as today)" : `naive (the last ${horizon} days)`,
      of: (day) => past(day, horizon),
    },
  };
}

/** The baselines of each target. */
export const BASELINES: Readonly<Record<TargetName, (context: BaselineContext) => Baselines>> = {
  price: ofPrice,
  direction: ofDirection,
  volatility: ofVolatility,
};
