import { calendarOf, dateLabel } from "../shared/tables/calendar.ts";
import type { DateUnit } from "../shared/tables/date_formats.ts";
import { timeOf } from "../shared/tables/dates.ts";
import {
  FREQUENCY_UNITS,
  type FrequencyUnit,
  seasonOf as seasonOfFrequency,
  stepsPerYear,
} from "../shared/tables/frequency.ts";
import { oneOf, optional, positive, recordOf, type Shape, shape, size } from "../shared/shapes.ts";

/** How often a series has a row. */
export interface Rhythm {
  readonly unit: FrequencyUnit;
  /** Units from one row to the next: 5 for bars of five minutes. */
  readonly every: number;
  /** Rows in a year, for volatility a year; undefined if volatility is not annualised. */
  readonly perYear?: number;
}

/** A rhythm in a file. */
export const RHYTHM: Shape = recordOf({ unit: oneOf(FREQUENCY_UNITS), every: size, perYear: optional(positive) });

/** Trading days, the rhythm of most price files. */
export const DAILY: Rhythm = { unit: "business day", every: 1, perYear: 252 };

/** The rhythm of a frequency. */
export function rhythmOf({ unit, every }: Pick<Rhythm, "unit" | "every">, perYear?: number): Rhythm {
  const steps = perYear ?? stepsPerYear({ unit, every, gaps: 0 });
  return { unit, every, ...(steps !== undefined && { perYear: steps }) };
}

/** The word for one row: "day", "week", "5-minute step". */
export function stepName({ unit, every }: Rhythm): string {
  const name = unit === "business day" ? "day" : unit === "irregular" ? "step" : unit;
  return every === 1 ? name : `${every}-${name} step`;
}

/** A number of rows in words: "1 week", "3 weeks". */
export function stepsOf(rhythm: Rhythm, count: number): string {
  return `${count} ${stepName(rhythm)}${count === 1 ? "" : "s"}`;
}

/** The season that a rhythm usually has, unless the series is too short to see it a few times. */
export function usualSeason(rhythm: Rhythm, rows: number): number {
  const season = seasonOfFrequency({ ...rhythm, gaps: 0 });
  return rows >= 4 * season ? season : 1;
}

/** The unit of a date by its form. */
function unitOfLabel(label: string): DateUnit | "step" {
  if (label.startsWith("step ")) return "step";
  if (/^\d{4}-\d{2}-\d{2} /.test(label)) return "time";
  if (/W\d{2}$/.test(label)) return "week";
  if (/Q\d$/.test(label)) return "quarter";
  return label.length === 4 ? "year" : label.length === 7 ? "month" : "day";
}

/** The place of a date on a time axis: milliseconds, or the number of a step; NaN if it is no date. */
export function placeOf(label: string): number {
  return label.startsWith("step ") ? Number(label.slice(5)) : timeOf(label);
}

/** A date in a file. */
export const DATE: Shape = shape("a date", (value) => typeof value === "string" && !Number.isNaN(placeOf(value)));

/** Whether a series has no dates and counts steps. */
export function countsSteps(dates: readonly string[]): boolean {
  return dates[0]?.startsWith("step ") ?? false;
}

/** The dates after a series, by its own calendar. */
export function datesAfter(dates: readonly string[], rhythm: Rhythm, count: number): string[] {
  const unit = unitOfLabel(dates.at(-1)!);
  if (unit === "step") return Array.from({ length: count }, (_, i) => `step ${placeOf(dates.at(-1)!) + i + 1}`);
  const times = Float64Array.from(dates, placeOf);
  return calendarOf(times, { ...rhythm, gaps: 0 }, unit).next(count).map((time) => dateLabel(time, unit));
}

/** Whether two rhythms are so different that what was learned at one means nothing at the other. */
export function differ(a: Rhythm, b: Rhythm): boolean {
  const free = (rhythm: Rhythm) => rhythm.unit === "irregular" || rhythm.unit === "step";
  if (free(a) || free(b)) return false;
  const [x, y] = [a, b].map(({ unit, every }) => stepsPerYear({ unit, every, gaps: 0 }));
  // Trading days and calendar days are close enough.
  if (x !== undefined && y !== undefined) return Math.max(x / y, y / x) > 1.5;
  return a.unit !== b.unit || a.every !== b.every;
}
