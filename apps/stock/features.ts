import type { Series } from "@unfold/training";
import type { Column, Prices } from "./prices.ts";

/** The features of each day, all known at its close. */
export interface FeatureSet {
  /** The names of the columns. */
  readonly names: readonly string[];
  /** The number of days at the start that have no features, because the features look back that far. */
  readonly warmUp: number;
  /** The required columns, in addition to date and close. */
  readonly columns: readonly Column[];
  /** The features of a day, defined from day warmUp on. */
  readonly of: (prices: Prices) => (day: number) => readonly number[];
}

/** Daily log returns, ln(close/previous close); NaN on the first day. */
export function logReturns({ close }: Prices): Float64Array {
  return close.map((price, day) => day === 0 ? NaN : Math.log(price / close[day - 1]!));
}

function meanOf(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** The standard deviation: of the population, or of a sample if `correction` is 1. */
function deviationOf(values: Float64Array, correction = 0): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / (values.length - correction));
}

/** The values of the last days up to a day. */
function recent(values: Float64Array, day: number, days: number): Float64Array {
  return values.subarray(day + 1 - days, day + 1);
}

/** The day's log return, and mean and standard deviation over the last 5 and 21 days. */
const returns: FeatureSet = {
  names: ["return", "mean5", "mean21", "deviation5", "deviation21"],
  warmUp: 21,
  columns: [],
  of(prices) {
    const all = logReturns(prices);
    return (day) => {
      const [week, month] = [recent(all, day, 5), recent(all, day, 21)];
      return [all[day]!, meanOf(week), meanOf(month), deviationOf(week), deviationOf(month)];
    };
  },
};

/** Trading days in a week, a month and a year. */
const SPANS = [5, 21, 252] as const;
/** The ratios between them. */
const RATIOS = [[5, 21], [5, 252], [21, 252]] as const;

/**
 * The features of a textbook chapter on predicting stock indices (Liu, Python Machine Learning by Example): the day's prices
 * and volume; means and sample standard deviations of price and volume over a week, a month and a year, and their ratios;
 * returns over the same spans; means of the daily return.
 */
const book: FeatureSet = {
  names: [
    ...["open", "close", "high", "low", "volume"],
    ...["price", "volume"].flatMap((what) =>
      ["mean", "deviation"].flatMap((kind) => [
        ...SPANS.map((days) => `${kind} ${what} ${days}`),
        ...RATIOS.map(([a, b]) => `${kind} ${what} ${a}/${b}`),
      ])
    ),
    ...[1, ...SPANS].map((days) => `return ${days}`),
    ...SPANS.map((days) => `mean return ${days}`),
  ],
  warmUp: 252,
  columns: ["open", "high", "low", "volume"],
  of({ close, more }) {
    const [open, high, low, volume] = this.columns.map((name) => more[name]!) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const returnOver = (day: number, days: number) => close[day]! / close[day - days]! - 1;
    const daily = close.map((_, day) => day === 0 ? NaN : returnOver(day, 1));
    return (day) => [
      ...[open, close, high, low, volume].map((values) => values[day]!),
      ...[close, volume].flatMap((values) =>
        [meanOf, (some: Float64Array) => deviationOf(some, 1)].flatMap((f) => {
          const of = Object.fromEntries(SPANS.map((days) => [days, f(recent(values, day, days))]));
          return [...SPANS.map((days) => of[days]!), ...RATIOS.map(([a, b]) => of[b] === 0 ? 1 : of[a]! / of[b]!)];
        })
      ),
      ...[1, ...SPANS].map((days) => returnOver(day, days)),
      ...SPANS.map((days) => meanOf(recent(daily, day, days))),
    ];
  },
};

/** The feature sets by name. */
export const FEATURE_SETS = { returns, book } as const satisfies Record<string, FeatureSet>;
export type FeatureSetName = keyof typeof FEATURE_SETS;
export const FEATURE_SET_NAMES = Object.keys(FEATURE_SETS) as FeatureSetName[];

/** The features of every day that has them: row r is day r + warmUp. */
export function featuresOf(prices: Prices, set: FeatureSet): Series {
  const { length } = prices.close;
  const columns = set.names.length;
  const data = new Float32Array(Math.max(0, length - set.warmUp) * columns);
  const of = set.of(prices);
  for (let day = set.warmUp; day < length; day++) data.set(of(day), (day - set.warmUp) * columns);
  return { data, columns };
}
