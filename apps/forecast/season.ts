import { DAY } from "../shared/tables/date_formats.ts";
import type { Frequency, FrequencyUnit } from "../shared/tables/frequency.ts";
import { autocorrelation, hasSeason } from "./classical/seasonality.ts";

/** How the steps of a set of series follow one another. */
export interface Rhythm extends Pick<Frequency, "unit" | "every"> {
  /** Days of a week with values, if there are not seven. */
  readonly perWeek?: number;
  /** Steps of a day with values, if not all have some: those of opening hours. */
  readonly perDay?: number;
}

/** Units in the seasons that a unit of time usually has, the shortest first. */
const SEASONS: Partial<Record<FrequencyUnit, readonly number[]>> = {
  second: [60, 3600],
  minute: [60, 1440, 10_080],
  hour: [24, 168],
  day: [7, 365],
  "business day": [5],
  week: [52],
  month: [12],
  quarter: [4],
};
/** Series that are looked at. */
const SAMPLE = 100;
/** The longest season that is looked for where there are no dates. */
const LONGEST = 400;
/** The least autocorrelation of a season that no date suggests. */
const LEAST_CORRELATION = 0.3;
/** A longer season must be clearer than this share of a shorter one to be preferred. */
const CLEARER = 0.75;
/** Whole days that say how many steps a day has. */
const LEAST_DAYS = 3;

/** Steps in the seasons that a frequency suggests, the shortest first. */
export function seasonsOf({ unit, every, perWeek, perDay }: Rhythm): number[] {
  if (perWeek !== undefined) return perWeek >= 2 ? [perWeek] : [];
  const steps = (SEASONS[unit] ?? []).map((units) => units / every)
    .filter((steps) => Number.isInteger(steps) && steps >= 2);
  return perDay === undefined ? steps : [perDay, 7 * perDay, 5 * perDay].filter((count) => count >= 2);
}

/** Steps in a day of times that leave out a part of it, such as the night; undefined if days have no usual number. */
export function rowsPerDay(times: Float64Array): number | undefined {
  const counts = new Map<number, number>();
  for (const time of times) {
    const day = Math.floor(time / DAY);
    counts.set(day, (counts.get(day) ?? 0) + 1);
  }
  // The first and the last day may be cut off.
  const whole = [...counts.values()].slice(1, -1);
  if (whole.length < LEAST_DAYS) return undefined;
  const usual = mostFrequent(whole);
  const steps = times.slice(1).map((time, i) => time - times[i]!).sort();
  return usual > 1 && usual < DAY / steps[steps.length >> 1]! ? usual : undefined;
}

/**
 * The season of a set of series, in steps; 1 if there is none. With dates, it is one that their frequency suggests and that
 * most series have by the test of {@linkcode hasSeason}: the shortest, unless a longer one is clearer. A short series has
 * it if a value is much nearer to that of the season before than to the one before it. Without dates, it is the peak of the
 * autocorrelation that most series agree on.
 */
export function findSeason(series: readonly Float64Array[], frequency: Rhythm): number {
  const step = Math.max(1, Math.floor(series.length / SAMPLE));
  const sample = series.filter((_, i) => i % step === 0);
  if (frequency.unit === "step" || frequency.unit === "irregular") return mostFrequent(sample.map(peakOf));
  const changes = sample.map(differences);
  const candidates = seasonsOf(frequency).flatMap((season) => {
    const clarities = changes.map((values, i) =>
      hasSeason(values, season) ? clarityOf(values, season) : repeatsShortly(sample[i]!, season) ? LEAST_CORRELATION : 0
    );
    if (2 * clarities.filter((clarity) => clarity > 0).length <= sample.length) return [];
    return [{ season, clarity: clarities.reduce((a, b) => a + b) / sample.length }];
  });
  const clearest = candidates.reduce((most, { clarity }) => Math.max(most, clarity), 0);
  return candidates.find(({ clarity }) => clarity >= CLEARER * clearest)?.season ?? 1;
}

/** A series of fewer seasons than this is too short for a test of its autocorrelation. */
const FEW_SEASONS = 4;
/** By how much a value must be nearer to that of the season before than to the one before it. */
const NEARER = 0.6;

/** Whether a short series of at least two seasons repeats the season before more closely than the step before. */
function repeatsShortly(values: Float64Array, season: number): boolean {
  if (values.length < 2 * season || values.length >= FEW_SEASONS * season) return false;
  let [seasons, steps] = [0, 0];
  for (let t = season; t < values.length; t++) {
    seasons += Math.abs(values[t]! - values[t - season]!);
    steps += Math.abs(values[t]! - values[t - 1]!);
  }
  return seasons < NEARER * steps;
}

/** The autocorrelation at a season; 0 if it is higher half a season before, as where values only change slowly. */
function clarityOf(values: Float64Array, season: number): number {
  const r = autocorrelation(values, season);
  return r[season - 1]! > r[(season >> 1) - 1]! ? Math.max(0, r[season - 1]!) : 0;
}

/** Differences from step to step, which have a season but no trend. */
function differences(values: Float64Array): Float64Array {
  return values.subarray(1).map((value, t) => value - values[t]!);
}

/** The lag of the first high peak of the autocorrelation: of the values if they have one, otherwise of their differences. */
function peakOf(values: Float64Array): number {
  const own = peakIn(values);
  return own > 1 ? own : peakIn(differences(values));
}

function peakIn(values: Float64Array): number {
  const lags = Math.min(LONGEST, Math.floor(values.length / 3));
  if (lags < 3) return 1;
  const found = autocorrelation(values, Math.ceil(1.5 * lags));
  const r = (lag: number) => found[lag - 1]!;
  const peaks = Array.from({ length: lags - 2 }, (_, i) => i + 2).filter((lag) =>
    r(lag) > r(lag - 1) && r(lag) >= r(lag + 1) &&
    // Half a season later there is a valley; where values only wander, there is none.
    Math.min(r(Math.floor(1.5 * lag)), r(Math.ceil(1.5 * lag))) < r(lag) / 2
  );
  const highest = peaks.reduce((most, lag) => Math.max(most, r(lag)), 0);
  if (highest < LEAST_CORRELATION) return 1;
  return peaks.find((lag) => r(lag) >= CLEARER * highest) ?? 1;
}

/** The value that occurs most often, if it makes up more than half. */
function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [best] = [...counts].sort((a, b) => b[1] - a[1]);
  return best !== undefined && 2 * best[1] > values.length ? best[0] : 1;
}
