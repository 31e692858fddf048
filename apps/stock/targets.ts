import type { Tensor } from "@unfold/core";
import { binaryCrossEntropy, meanSquaredError } from "@unfold/layers";
import type { Series } from "@unfold/training";
import { logReturns } from "./features.ts";
import type { Prices } from "./prices.ts";

/** What is to be forecast. */
export interface Target {
  /** What tables and charts call it. */
  title(horizon: number): string;
  /** The days ahead that there is a forecast for, the horizon last. */
  ahead(horizon: number): readonly number[];
  /** What is learned from a day: a number for each of the days ahead. */
  of(prices: Prices, ahead: readonly number[]): (day: number) => readonly number[];
  /** Whether the numbers are standardised for the network. */
  readonly scaled: boolean;
  /** What the network minimises. */
  readonly loss: (prediction: Tensor, target: Tensor) => Tensor;
  /** The network's output, no longer standardised, as a forecast of what is learned. */
  fromOutput(output: number): number;
  /** What a forecast of what is learned can be at least and at most. */
  readonly range: readonly [low: number, high: number];
  /** What is learned as people read it, after a day with this close. */
  shown(value: number, close: number): number;
  /** What happened over the horizon after a day, as people read it. */
  happened(prices: Prices, horizon: number): (day: number) => number;
  /** What is shown as a rise or a fall, a number above or below 0, where it means one. */
  readonly rise?: (shown: number, close: number) => number;
  /** Whether an interval around a forecast says anything. */
  readonly hasInterval: boolean;
}

/** Trading days in a year. */
const YEAR = 252;
/** The longest horizon: four years. */
export const LONGEST_HORIZON = 1000;

/**
 * The root of the mean of squared log returns from one day to another, both included: the realised volatility of a day.
 */
export function realisedVolatility(returns: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let day = from; day <= to; day++) total += returns[day]! ** 2;
  return Math.sqrt(total / (to - from + 1));
}

function days(horizon: number): string {
  return horizon === 1 ? "the next day" : `the next ${horizon} days`;
}

/** The close of each day ahead, through the log return from today on. */
const price: Target = {
  title: (horizon) => horizon === 1 ? "next day's close" : `close in ${horizon} days`,
  ahead: (horizon) => Array.from({ length: horizon }, (_, i) => i + 1),
  of: ({ close }, ahead) => (day) => ahead.map((days) => Math.log(close[day + days]! / close[day]!)),
  scaled: true,
  loss: meanSquaredError,
  fromOutput: (output) => output,
  range: [-Infinity, Infinity],
  shown: (value, close) => close * Math.exp(value),
  happened: ({ close }, horizon) => (day) => close[day + horizon]!,
  rise: (shown, close) => shown - close,
  hasInterval: true,
};

/** Whether the price will be higher after so many days: the probability. */
const direction: Target = {
  title: (horizon) => `a rise over ${days(horizon)}`,
  ahead: (horizon) => [horizon],
  of: ({ close }, ahead) => (day) => ahead.map((days) => Number(close[day + days]! > close[day]!)),
  scaled: false,
  loss: binaryCrossEntropy,
  fromOutput: (output) => 1 / (1 + Math.exp(-output)),
  range: [0, 1],
  shown: (value) => value,
  happened(prices, horizon) {
    const of = this.of(prices, [horizon]);
    return (day) => of(day)[0]!;
  },
  rise: (shown) => shown - 0.5,
  hasInterval: false,
};

/** The realised volatility of the days ahead; shown in percent a year. */
const volatility: Target = {
  title: (horizon) => `volatility of ${days(horizon)}`,
  ahead: (horizon) => [horizon],
  of: (prices, ahead) => {
    const returns = logReturns(prices);
    return (day) => ahead.map((days) => realisedVolatility(returns, day + 1, day + days));
  },
  scaled: true,
  loss: meanSquaredError,
  fromOutput: (output) => output,
  range: [0, Infinity],
  shown: (value) => 100 * Math.sqrt(YEAR) * value,
  happened(prices, horizon) {
    const of = this.of(prices, [horizon]);
    return (day) => this.shown(of(day)[0]!, NaN);
  },
  hasInterval: true,
};

/** The targets by name. */
export const TARGETS = { price, direction, volatility } as const satisfies Record<string, Target>;
export type TargetName = keyof typeof TARGETS;
export const TARGET_NAMES = Object.keys(TARGETS) as TargetName[];

/**
 * What is to be learned from each row of the feature table, row r being day r + warmUp; 0 for the last days, whose
 * targets are not known.
 */
export function targetsOf(prices: Prices, target: Target, horizon: number, warmUp: number): Series {
  const ahead = target.ahead(horizon);
  const columns = ahead.length;
  const { length } = prices.close;
  const data = new Float32Array(Math.max(0, length - warmUp) * columns);
  const of = target.of(prices, ahead);
  for (let day = warmUp; day + horizon < length; day++) data.set(of(day), (day - warmUp) * columns);
  return { data, columns };
}
