import type { Tensor } from "@unfold/core";
import { binaryCrossEntropy, meanSquaredError } from "@unfold/layers";
import type { Series } from "@unfold/training";
import { logReturns } from "./features.ts";
import type { Prices } from "./prices.ts";
import { DAILY, type Rhythm, stepName, stepsOf } from "./rhythm.ts";

/** A quantity to forecast. */
export interface Target {
  /** Its name in tables and charts. */
  title(horizon: number): string;
  /** The unit of displayed values on an axis. */
  readonly unit: string;
  /** The steps ahead that have a forecast. The last one is the horizon. */
  ahead(horizon: number): readonly number[];
  /** The training target of a day in the target's own units: a value for each of the steps ahead. */
  of(prices: Prices, ahead: readonly number[]): (day: number) => readonly number[];
  /** Whether forecasts are a path of prices, one for each step ahead. */
  readonly isPath: boolean;
  /** Whether it takes logarithms of prices, which must then be above 0. */
  readonly positive: boolean;
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

/** The longest horizon. */
export const LONGEST_HORIZON = 1000;

/** Realised volatility per day: the root mean square of the log returns from one day to another, inclusive. */
export function realisedVolatility(returns: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let day = from; day <= to; day++) total += returns[day]! ** 2;
  return Math.sqrt(total / (to - from + 1));
}

/** The next step or steps in words. */
function nextSteps(rhythm: Rhythm, horizon: number): string {
  return horizon === 1 ? `the next ${stepName(rhythm)}` : `the next ${stepsOf(rhythm, horizon)}`;
}

/** The close of each step ahead, by any way that it is learned. */
function path(rhythm: Rhythm) {
  return {
    title: (horizon: number) =>
      horizon === 1 ? `next ${stepName(rhythm)}'s close` : `close in ${stepsOf(rhythm, horizon)}`,
    unit: "close",
    ahead: (horizon: number) => Array.from({ length: horizon }, (_, i) => i + 1),
    isPath: true,
    scaled: true,
    loss: meanSquaredError,
    fromOutput: (output: number) => output,
    range: [-Infinity, Infinity] as const,
    actual: ({ close }: Prices, horizon: number) => (day: number) => close[day + horizon]!,
    rise: (shown: number, close: number) => shown - close,
    hasInterval: true,
  };
}

/** The close of each step ahead; the network learns the log return from today. */
const price = (rhythm: Rhythm): Target => ({
  ...path(rhythm),
  positive: true,
  of: ({ close }, ahead) => (day) => ahead.map((days) => Math.log(close[day + days]! / close[day]!)),
  shown: (value, close) => close * Math.exp(value),
});

/** The close of each step ahead; the network learns the difference from today, which takes prices of 0 and below. */
const change = (rhythm: Rhythm): Target => ({
  ...path(rhythm),
  positive: false,
  of: ({ close }, ahead) => (day) => ahead.map((days) => close[day + days]! - close[day]!),
  shown: (value, close) => close + value,
});

/** The probability that the price is higher at the horizon than today. */
const direction = (rhythm: Rhythm): Target => ({
  title: (horizon) => `probability of a rise over ${nextSteps(rhythm, horizon)}`,
  unit: "probability of a rise",
  ahead: (horizon) => [horizon],
  of: ({ close }, ahead) => (day) => ahead.map((days) => Number(close[day + days]! > close[day]!)),
  isPath: false,
  positive: false,
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
});

/** The realised volatility of the steps ahead, displayed in percent a year, or a step where a year has no known number. */
const volatility = (rhythm: Rhythm): Target => ({
  title: (horizon) => `volatility of ${nextSteps(rhythm, horizon)}`,
  unit: rhythm.perYear === undefined ? `% a ${stepName(rhythm)}` : "% a year",
  ahead: (horizon) => [horizon],
  of: (prices, ahead) => {
    const returns = logReturns(prices);
    return (day) => ahead.map((days) => realisedVolatility(returns, day + 1, day + days));
  },
  isPath: false,
  positive: true,
  scaled: true,
  loss: meanSquaredError,
  fromOutput: (output) => output,
  range: [0, Infinity],
  shown: (value) => 100 * Math.sqrt(rhythm.perYear ?? 1) * value,
  actual(prices, horizon) {
    const of = this.of(prices, [horizon]);
    return (day) => this.shown(of(day)[0]!, NaN);
  },
  hasInterval: true,
});

const MAKERS = { price, change, direction, volatility } as const satisfies Record<string, (rhythm: Rhythm) => Target>;
export type TargetName = keyof typeof MAKERS;
export const TARGET_NAMES = Object.keys(MAKERS) as TargetName[];

/** The target of a name for a series with this rhythm. */
export function targetOf(name: TargetName, rhythm: Rhythm = DAILY): Target {
  return MAKERS[name](rhythm);
}

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
