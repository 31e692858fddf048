/** The autocorrelation of a series at lags 1 to `lags`; zeros for a constant series. */
export function autocorrelation(values: ArrayLike<number>, lags: number): Float64Array {
  const n = values.length;
  let mean = 0;
  for (let t = 0; t < n; t++) mean += values[t]! / n;
  let variance = 0;
  for (let t = 0; t < n; t++) variance += (values[t]! - mean) ** 2;
  return Float64Array.from({ length: lags }, (_, i) => {
    let total = 0;
    for (let t = i + 1; t < n; t++) total += (values[t]! - mean) * (values[t - i - 1]! - mean);
    return variance > 0 ? total / variance : 0;
  });
}

/** The 95 % quantile of the standard normal distribution, with which the M4 competition tests for a season. */
const CRITICAL = 1.6448536269514722;

/**
 * Whether a series has a season of m steps: its autocorrelation at lag m is larger than chance by Bartlett's formula,
 *
 *     |r_m| > 1.645·√((1 + 2·Σ_{i<m} r_i²)/n)
 *
 * as the M4 competition tests before it adjusts for a season (Makridakis et al., 2020). A season that is seen fewer than
 * two times is none.
 */
export function hasSeason(values: ArrayLike<number>, season: number): boolean {
  if (season < 2 || values.length < 2 * season) return false;
  const r = autocorrelation(values, season);
  let squares = 0;
  for (let i = 0; i < season - 1; i++) squares += r[i]! ** 2;
  return Math.abs(r[season - 1]!) > CRITICAL * Math.sqrt((1 + 2 * squares) / values.length);
}

/** How a season enters: added to the rest of a series, or multiplied with it. */
export type SeasonKind = "additive" | "multiplicative";

/** A series without its season, and that season. */
export interface Decomposition {
  readonly kind: SeasonKind;
  /** The season's effect on each of its steps; the first is that of the series' first step. */
  readonly indices: Float64Array;
  readonly adjusted: Float64Array;
}

/**
 * Classical decomposition: a centred moving average over a season is the trend; the season's index at each of its
 * steps is the mean of the differences from that trend (or of the ratios), and the indices are shifted to a mean of 0 (or scaled
 * to a mean of 1). As R's `decompose` and statsmodels' `seasonal_decompose`.
 *
 * @param kind A multiplicative season becomes additive if a value or index is not above 0.
 * @throws {RangeError} If there are fewer values than in two seasons.
 */
export function decompose(
  values: Float64Array,
  season: number,
  kind: SeasonKind = "multiplicative",
): Decomposition {
  const n = values.length;
  if (season < 2 || n < 2 * season) {
    throw new RangeError(
      `Cannot take the season out of a series: it must have two seasons of 2 steps or more, got ${n} values and a ` +
        `season of ${season}`,
    );
  }
  if (kind === "multiplicative" && values.some((value) => value <= 0)) return decompose(values, season, "additive");
  const ratio = kind === "multiplicative";
  const half = season >> 1;
  const [sums, counts] = [new Float64Array(season), new Float64Array(season)];
  // The window of an even season is one step longer, with half weights at both ends.
  let total = 0;
  for (let t = 0; t < 2 * half + 1; t++) total += values[t]!;
  for (let t = half; t < n - half; t++) {
    if (t > half) total += values[t + half]! - values[t - half - 1]!;
    const ends = season % 2 === 0 ? (values[t - half]! + values[t + half]!) / 2 : 0;
    const trend = (total - ends) / season;
    sums[t % season]! += ratio ? values[t]! / trend : values[t]! - trend;
    counts[t % season]!++;
  }
  const raw = sums.map((sum, i) => sum / counts[i]!);
  const mean = raw.reduce((a, b) => a + b) / season;
  const indices = raw.map((index) => ratio ? index / mean : index - mean);
  if (ratio && indices.some((index) => !(index >= 0.01))) return decompose(values, season, "additive");
  const adjusted = values.map((value, t) => ratio ? value / indices[t % season]! : value - indices[t % season]!);
  return { kind, indices, adjusted };
}

/** Gives the season back to forecasts of an adjusted series, the first of which is for step `from`. */
export function reseason(forecasts: Float64Array, { kind, indices }: Decomposition, from: number): Float64Array {
  const index = (h: number) => indices[(from + h) % indices.length]!;
  return forecasts.map((value, h) => kind === "multiplicative" ? value * index(h) : value + index(h));
}
