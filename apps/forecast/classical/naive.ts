import { type Method, pathOf, spread } from "./path.ts";
import { decompose, hasSeason, reseason } from "./seasonality.ts";

/**
 * Seasonal naive: ŷ_{n+h} = y_{n+h−m·⌈h/m⌉}, the value of the same step of the last season; the last value without
 * a season. A series shorter than a season repeats its last value. The error grows by one season's error with each season,
 * σ·√⌈h/m⌉ (Hyndman and Athanasopoulos, 2021, section 5.5).
 */
export const seasonalNaive: Method = (values, { season, horizon }) => {
  const n = values.length;
  const m = season < n ? season : 1;
  const deviation = spread(values.slice(m).map((value, t) => value - values[t]!));
  return pathOf(horizon, (h) => {
    const seasons = Math.ceil(h / m);
    return [values[n + h - 1 - m * seasons]!, deviation * Math.sqrt(seasons)];
  });
};

/**
 * Drift: ŷ_{n+h} = y_n + h·(y_n − y_1)/(n − 1), the line through the first and the last value, with errors of
 * σ·√(h·(1 + h/(n − 1))) (Hyndman and Athanasopoulos, 2021, section 5.5).
 */
export const drift: Method = (values, { horizon }) => {
  const n = values.length;
  const [first, last] = [values[0]!, values[n - 1]!];
  const slope = n > 1 ? (last - first) / (n - 1) : 0;
  const deviation = spread(values.slice(1).map((value, t) => value - values[t]! - slope), 1);
  return pathOf(horizon, (h) => [last + h * slope, deviation * Math.sqrt(h * (1 + h / Math.max(1, n - 1)))]);
};

/**
 * Naive2, the reference of the M4 competition: if the series has a season, the last value without it, multiplied with
 * the season again; otherwise the last value (Makridakis et al., 2020).
 */
export const naive2: Method = (values, { season, horizon }) => {
  // Three seasons, as in the competition.
  if (values.length < 3 * season || !hasSeason(values, season)) return seasonalNaive(values, { season: 1, horizon });
  const parts = decompose(values, season);
  const { mean, deviation } = seasonalNaive(parts.adjusted, { season: 1, horizon });
  const scale = spread(values) / Math.max(spread(parts.adjusted), Number.MIN_VALUE);
  return { mean: reseason(mean, parts, values.length), deviation: deviation.map((one) => one * scale) };
};
