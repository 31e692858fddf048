import type { Tensor } from "@unfold/core";
import { binaryCrossEntropy, meanSquaredError } from "@unfold/layers";
import type { Series } from "@unfold/training";
import { logReturns } from "./features.ts";
import type { Prices } from "./prices.ts";

/** A quantity to forecast. */
export interface Target {
  /** Its name in tables and charts. */
  title(horizon: number): string;
  /** The days ahead that have a forecast. The last one is the horizon. */
  ahead(horizon: number): readonly number[];
  /** The training target of a day in the target's own units: a value for each of the days ahead. */
  of(prices: Prices, ahead: readonly number[]): (day: number) => readonly number[];
  /** Whether the targets are standardised for the network. */
  readonly scaled: boolean;
  /** The training loss. */
  readonly loss: (prediction: Tensor, target: Tensor) => Tensor;
  /** Turns an unscaled network output into a forecast in the target's own units. */
  fromOutput(output: number): number;
  /** The bounds of such a forecast. */
  readonly range: readonly [low: number, high: number];
  /** Converts to display units, given the close of the day of the forecast. */
  shown(value: number, close: number): number;
  /** The actual value over the horizon after a day, in display units. */
  actual(prices: Prices, horizon: number): (day: number) => number;
  /** The direction of a displayed value, above 0 for a rise and below 0 for a fall, if the target has one. */
  readonly rise?: (shown: number, close: number) => number;
  /** Whether forecasts have a prediction interval. */
  readonly hasInterval: boolean;
}

/** Trading days in a year. */
const YEAR = 252;
/** The longest horizon: four years. */
export const LONGEST_HORIZON = 1000;

/** Realised volatility per day: the root mean square of the log returns from one day to another, inclusive. */
export function realisedVolatility(returns: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let day = from; day <= to; day++) total += returns[day]! ** 2;
  return Math.sqrt(total / (to - from + 1));
}

function days(horizon: number): string {
  return horizon === 1 ? "the next day" : `the next ${horizon} days`;
}

/** The close of each day ahead; the network learns the log return from today. */
const price: Target = {
  title: (horizon) => horizon === 1 ? "next day's close" : `close in ${horizon} days`,
  ahead: (horizon) => Array.from({ length: horizon }, (_, i) => i + 1),
  of: ({ close }, ahead) => (day) => ahead.map((days) => Math.log(close[day + days]! / close[day]!)),
  scaled: true,
  loss: meanSquaredError,
  fromOutput: (output) => output,
  range: [-Infinity, Infinity],
  shown: (value, close) => close * Math.exp(value),
  actual: ({ close }, horizon) => (day) => close[day + horizon]!,
  rise: (shown, close) => shown - close,
  hasInterval: true,
};

/** The probability that the price is higher at the horizon than today. */
const direction: Target = {
  title: (horizon) => `probability of a rise over ${days(horizon)}`,
  ahead: (horizon) => [horizon],
  of: ({ close }, ahead) => (day) => ahead.map((days) => Number(close[day + days]! > close[day]!)),
  scaled: false,
  loss: binaryCrossEntropy,
  fromOutput: (output) => 1 / (1 + Math.exp(-output)),
  range: [0, 1],
  shown: (value) => value,
  actual(prices, horizon) {
    const of = this.of(prices, [horizon]);
    return (day) => of(day)[0]!;
  },
  rise: (shown) => shown - 0.5,
  hasInterval: false,
};

/** The realised volatility of the days ahead, displayed in percent a year. */
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
  actual(prices, horizon) {
    const of = this.of(prices, [horizon]);
    return (day) => this.shown(of(day)[0]!, NaN);
  },
  hasInterval: true,
};

/** The targets by name. */
export const TARGETS = { price, direction, volatility } as const satisfies Record<string, Target>;
export type TargetName = keyof typeof TARGETS;
export const TARGET_NAMES = Object.keys(TARGETS) as TargetName[];

/** The training target of each row of the feature table: row r is day r + warmUp. The last days have no target; they get 0. */
export function targetsOf(prices: Prices, target: Target, horizon: number, warmUp: number): Series {
  const ahead = target.ahead(horizon);
  const columns = ahead.length;
  const { length } = prices.close;
  const data = new Float32Array(Math.max(0, length - warmUp) * columns);
  const of = target.of(prices, ahead);
  for (let day = warmUp; day + horizon < length; day++) data.set(of(day), (day - warmUp) * columns);
  return { data, columns };
}
