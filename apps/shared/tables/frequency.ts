import { type DateUnit, DAY, daysIn } from "./date_formats.ts";

/** What is between two rows that follow one another. */
export const FREQUENCY_UNITS = [
  ...["second", "minute", "hour", "business day", "day", "week", "month", "quarter", "year"] as const,
  ...["irregular", "step"] as const,
] as const;
export type FrequencyUnit = (typeof FREQUENCY_UNITS)[number];

/** How often there is a row. */
export interface Frequency {
  readonly unit: FrequencyUnit;
  /** Units from one row to the next: 5 for bars of five minutes. */
  readonly every: number;
  /** Pairs of rows that are further apart than that. */
  readonly gaps: number;
}

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];
/** Days from one row to the next of longer periods, as trading days, months' lengths and holidays spread them. */
const PERIODS: readonly [unit: FrequencyUnit, every: number, least: number, most: number][] = [
  ["week", 1, 5, 9],
  ["week", 2, 12, 16],
  ["week", 4, 27, 28],
  ["month", 1, 26, 35],
  ["month", 2, 57, 65],
  ["quarter", 1, 84, 98],
  ["month", 4, 117, 126],
  ["month", 6, 176, 190],
  ["year", 1, 355, 376],
];
/** The share of pairs of rows that must be as far apart as the frequency says. */
const REGULAR = 0.7;

/** The median; of many values, that of some. */
function median(values: Float64Array): number {
  const step = Math.ceil(values.length / 20_000);
  const some = step === 1 ? values : values.filter((_, i) => i % step === 0);
  return some.toSorted()[some.length >> 1]!;
}

/** The days of the week of most markets, 0 for Sunday. */
const WORKDAYS = [1, 2, 3, 4, 5];

/**
 * The days of the week, 0 for Sunday, on which there are rows often enough to be no exceptions; Monday to Friday where
 * there are too few rows to tell.
 */
export function weekdaysOf(days: Float64Array): ReadonlySet<number> {
  const counts = new Array<number>(7).fill(0);
  for (const day of days) counts[weekday(day)]!++;
  const most = Math.max(...counts);
  const seen = counts.flatMap((count, day) => count >= 0.2 * most && count > 0 ? [day] : []);
  const isShort = days.length < 10 && seen.every((day) => WORKDAYS.includes(day));
  return new Set(isShort ? WORKDAYS : seen);
}

export function weekday(ms: number): number {
  return (((Math.floor(ms / DAY) + 4) % 7) + 7) % 7;
}

/**
 * How often there is a row, by the spacing of the dates.
 *
 * @param times Milliseconds in order of time, without repetitions.
 * @param unit What the dates name.
 */
export function frequencyOf(times: Float64Array, unit: DateUnit): Frequency {
  const { length } = times;
  if (length < 3) return { unit: unit === "time" ? "irregular" : unit, every: 1, gaps: 0 };
  const steps = times.slice(1).map((time, i) => time - times[i]!);
  if (unit === "time") return ofTimes(steps);
  const days = steps.map((step) => step / DAY);
  const middle = median(days);
  if (unit === "year" || unit === "quarter" || unit === "month") {
    const months = { year: 12, quarter: 3, month: 1 }[unit];
    const every = Math.max(1, Math.round(middle / (365.25 / 12) / months));
    const gaps = days.filter((step) => Math.round(step / (365.25 / 12)) > months * every).length;
    return gaps > (1 - REGULAR) * days.length ? irregular : simplified(unit, every, gaps);
  }
  if (middle < 1.5) return ofDays(times, days);
  const period = PERIODS.find(([, , least, most]) => middle >= least && middle <= most);
  if (period !== undefined) {
    const [unit, every, least, most] = period;
    const inside = days.filter((step) => step >= least && step <= most).length;
    const gaps = days.filter((step) => step > most).length;
    return inside >= REGULAR * days.length ? { unit, every, gaps } : irregular;
  }
  const every = Math.round(middle);
  const same = days.filter((step) => Math.abs(step - every) < 0.5).length;
  return same >= REGULAR * days.length
    ? { unit: "day", every, gaps: days.filter((step) => step > every + 0.5).length }
    : irregular;
}

const irregular: Frequency = { unit: "irregular", every: 1, gaps: 0 };

/** Three months are a quarter, and twelve a year. */
function simplified(unit: "month" | "quarter" | "year", every: number, gaps: number): Frequency {
  if (unit === "month" && every % 12 === 0) return { unit: "year", every: every / 12, gaps };
  if (unit === "month" && every === 3) return { unit: "quarter", every: 1, gaps };
  return { unit, every, gaps };
}

/** Days in a row that say little of the days of a week. */
const SHORT = 7;

function ofDays(times: Float64Array, days: Float64Array): Frequency {
  const open = weekdaysOf(times);
  // No market is closed in the middle of the week and open on both days of its end. Few days in a row may not reach both.
  const isShort = times.length < SHORT && days.every((step) => step === 1);
  const isDaily = isShort ? open.has(0) || open.has(6) : open.has(0) && open.has(6);
  if (isDaily) {
    const gaps = days.filter((step) => step > 1).length;
    return gaps > (1 - REGULAR) * days.length ? irregular : { unit: "day", every: 1, gaps };
  }
  let gaps = 0;
  for (let i = 1; i < times.length; i++) {
    let next = times[i - 1]! + DAY;
    while (!open.has(weekday(next)) && next < times[i]!) next += DAY;
    if (next < times[i]!) gaps++;
  }
  return gaps > (1 - REGULAR) * days.length ? irregular : { unit: "business day", every: 1, gaps };
}

function ofTimes(steps: Float64Array): Frequency {
  const middle = median(steps);
  const [unit, size] = middle >= HOUR && middle % HOUR === 0
    ? ["hour", HOUR] as const
    : middle >= MINUTE && middle % MINUTE === 0
    ? ["minute", MINUTE] as const
    : ["second", SECOND] as const;
  const every = middle / size;
  const same = steps.filter((step) => step === middle).length;
  if (same < 0.5 * steps.length || !Number.isInteger(every)) return irregular;
  return { unit, every, gaps: steps.filter((step) => step > middle).length };
}

/** A frequency's unit with a count: "day" for trading days too, "5 minutes" as a unit of its own. */
export function unitName({ unit, every }: Frequency): string {
  const name = unit === "business day" ? "day" : unit === "irregular" ? "step" : unit;
  return every === 1 ? name : `${every}-${name} step`;
}

/** What reports call a frequency: "daily (business days)", "every 5 minutes". */
export function frequencyName({ unit, every }: Frequency): string {
  if (unit === "irregular") return "irregular";
  if (unit === "step") return "without dates";
  if (every > 1) return `every ${every} ${unit}s`;
  const names: Partial<Record<FrequencyUnit, string>> = { "business day": "business days", day: "every day" };
  return names[unit] ?? `every ${unit}`;
}

/** Steps in a year, for volatility a year; undefined for times of day and irregular dates. */
export function stepsPerYear({ unit, every }: Frequency): number | undefined {
  const steps: Partial<Record<FrequencyUnit, number>> = {
    "business day": 252,
    day: 365,
    week: 52,
    month: 12,
    quarter: 4,
    year: 1,
  };
  const count = steps[unit];
  return count === undefined ? undefined : count / every;
}

/** Steps after which a season comes again; 1 if there is none. */
export function seasonOf({ unit, every }: Frequency): number {
  if (every > 1) return 1;
  const seasons: Partial<Record<FrequencyUnit, number>> = {
    "business day": 5,
    day: 7,
    week: 52,
    month: 12,
    quarter: 4,
    hour: 24,
    minute: 60,
    second: 60,
  };
  return seasons[unit] ?? 1;
}

/** The same day some months later, or the month's last. */
export function monthsLater(ms: number, months: number, day: number): number {
  const date = new Date(ms);
  const index = date.getUTCFullYear() * 12 + date.getUTCMonth() + months;
  const [year, month] = [Math.floor(index / 12), index % 12 + 1];
  return Date.UTC(year, month - 1, Math.min(day, daysIn(year, month)));
}
