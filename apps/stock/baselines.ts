import { type Part, Windows } from "@unfold/training";
import { logReturns } from "./features.ts";
import type { Prices } from "./prices.ts";
import { Ridge } from "./ridge.ts";
import { realisedVolatility, type TargetName, TARGETS, targetsOf } from "./targets.ts";

/** A forecast that needs no network. */
export interface Baseline {
  /** What tables call it. */
  readonly label: string;
  /** Its forecast on a day, of what is learned. */
  readonly of: (day: number) => number;
}

/** What baselines may know. */
export interface BaselineContext {
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
