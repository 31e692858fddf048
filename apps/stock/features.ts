import type { Series } from "@unfold/training";
import type { Prices } from "./prices.ts";

/** The longest stretch of returns that a feature looks back over; earlier days have no features. */
export const WARM_UP = 21;

/** What the model sees of each day, all known when that day's close is: its log return, and mean and spread of recent ones. */
export const FEATURES = ["return", "mean5", "mean21", "deviation5", "deviation21"] as const;

/** Log returns by day: ln(close/close before); the first day has none. */
export function logReturns({ close }: Prices): Float64Array {
  return close.map((price, day) => day === 0 ? NaN : Math.log(price / close[day - 1]!));
}

function meanAndDeviation(values: Float64Array): [number, number] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length)];
}

/** The features of each day from day {@linkcode WARM_UP} on: row r belongs to day r + WARM_UP. */
export function featuresOf(prices: Prices): Series {
  const returns = logReturns(prices);
  const rows: number[] = [];
  for (let day = WARM_UP; day < returns.length; day++) {
    const [mean5, deviation5] = meanAndDeviation(returns.subarray(day - 4, day + 1));
    const [mean21, deviation21] = meanAndDeviation(returns.subarray(day - 20, day + 1));
    rows.push(returns[day]!, mean5, mean21, deviation5, deviation21);
  }
  return { data: Float32Array.from(rows), columns: FEATURES.length };
}

/** What is to be predicted from each day's row: the next day's log return. The last day's is not known: 0 stands in. */
export function targetsOf(prices: Prices): Series {
  const returns = logReturns(prices);
  const data = Float32Array.from(
    { length: Math.max(0, returns.length - WARM_UP) },
    (_, row) => returns[row + WARM_UP + 1] ?? 0,
  );
  return { data, columns: 1 };
}
