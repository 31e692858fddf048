import { dateLabel } from "../../shared/tables/calendar.ts";
import { type DateUnit, DAY } from "../../shared/tables/date_formats.ts";
import {
  type Frequency,
  frequencyOf,
  type FrequencyUnit,
  monthsLater,
  weekday,
} from "../../shared/tables/frequency.ts";
import { type Note, note } from "../../shared/tables/table.ts";
import { rowsPerDay } from "../season.ts";
import { type Draft, longestOf } from "./draft.ts";

/** How the values of a step become one. */
export const AGGREGATES = ["sum", "mean", "min", "max", "first", "last", "count"] as const;
export type AggregateName = (typeof AGGREGATES)[number];

/** A step to which values are brought. */
export interface Step {
  readonly unit: "minute" | "hour" | "day" | "week" | "month" | "quarter" | "year";
  readonly every: number;
}

const LENGTHS = { minute: 60_000, hour: 3_600_000, day: DAY } as const;
const UNITS = { ...LENGTHS, second: 1000 } as const;
const MONTHS = { month: 1, quarter: 3, year: 12 } as const;

/** The step that a text such as "week" or "15 minutes" names; undefined if it names none. */
export function stepOf(text: string): Step | undefined {
  const [, count = "1", unit] = /^(\d{1,3}\s+)?(minute|hour|day|week|month|quarter|year)s?$/.exec(text.trim()) ?? [];
  const every = Number(count);
  if (unit === undefined || every < 1 || (every > 1 && unit !== "minute" && unit !== "hour")) return undefined;
  // A day must begin with a step.
  if (every > 1 && DAY % (every * LENGTHS[unit as "minute" | "hour"]) !== 0) return undefined;
  return { unit: unit as Step["unit"], every };
}

/** What the dates of a step name. */
export function unitOfStep({ unit }: Step): DateUnit {
  if (unit === "minute" || unit === "hour") return "time";
  return unit === "week" ? "day" : unit;
}

/** The step's frequency. */
export function frequencyOfStep({ unit, every }: Step): Frequency {
  return { unit: unit as FrequencyUnit, every, gaps: 0 };
}

/** The start of the step that a time is in; weeks begin on Monday. */
function startOf(time: number, { unit, every }: Step): number {
  switch (unit) {
    case "week":
      return Math.floor(time / DAY) * DAY - ((weekday(time) + 6) % 7) * DAY;
    case "month":
    case "quarter":
    case "year": {
      const first = monthsLater(time, 0, 1);
      return monthsLater(first, -(new Date(first).getUTCMonth() % MONTHS[unit]), 1);
    }
    default:
      return Math.floor(time / (every * LENGTHS[unit])) * every * LENGTHS[unit];
  }
}

/** The start of the next step. */
function endOf(start: number, { unit, every }: Step): number {
  if (unit === "week") return start + 7 * DAY;
  return unit === "month" || unit === "quarter" || unit === "year"
    ? monthsLater(start, MONTHS[unit], 1)
    : start + every * LENGTHS[unit];
}

const COMBINE: Readonly<Record<AggregateName, (values: Float64Array) => number>> = {
  sum: (values) => values.reduce((a, b) => a + b, 0),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  min: (values) => values.reduce((a, b) => Math.min(a, b)),
  max: (values) => values.reduce((a, b) => Math.max(a, b)),
  first: (values) => values[0]!,
  last: (values) => values.at(-1)!,
  count: (values) => values.length,
};

/** A step at an end of the file of which less than this share is there is left out. */
const LEAST_SHARE = 0.7;

/**
 * Brings series to steps: all values of a step become one. The first and the last step of the whole file are left out if
 * the file covers only a part of them.
 */
export function aggregate(
  drafts: readonly Draft[],
  { unit, step, how }: { readonly unit: DateUnit; readonly step: Step; readonly how: AggregateName },
): { readonly drafts: readonly Draft[]; readonly notes: readonly Note[] } {
  const some = drafts.filter(({ times }) => times.length > 0);
  const first = some.reduce((least, { times }) => Math.min(least, times[0]!), Infinity);
  const last = some.reduce((most, { times }) => Math.max(most, times.at(-1)!), -Infinity);
  // A row stands for its whole day, or for its whole step if all have the same.
  const longest = longestOf(some);
  const own = frequencyOf(longest.times.filter((time, i) => i === 0 || time > longest.times[i - 1]!), unit);
  const isRegular = (own.unit === "hour" || own.unit === "minute" || own.unit === "second") &&
    rowsPerDay(longest.times) === undefined;
  const length = isRegular ? own.every * UNITS[own.unit as keyof typeof UNITS] : DAY;
  const wholeFrom = isRegular ? first : Math.floor(first / DAY) * DAY;
  const covered = isRegular ? last + length : Math.floor(last / DAY) * DAY + DAY;
  const [head, tail] = [startOf(first, step), startOf(last, step)];
  const shareOf = (start: number, from: number, to: number) => (to - from) / (endOf(start, step) - start);
  const isLonger = unit === "time" || unit === "day";
  const dropsHead = isLonger && head < tail && shareOf(head, wholeFrom, endOf(head, step)) < LEAST_SHARE;
  const dropsTail = isLonger && head < tail && shareOf(tail, tail, covered) < LEAST_SHARE;
  const notes: Note[] = [];
  const label = (time: number) => dateLabel(time, unit);
  const called = (start: number) => `the ${step.unit} of ${dateLabel(start, unitOfStep(step))}`;
  if (dropsHead) notes.push(note(`${called(head)} is left out, since the file begins on ${label(first)}`));
  if (dropsTail) notes.push(note(`${called(tail)} is left out, since the file ends on ${label(last)}`));
  const combine = COMBINE[how];
  const brought = drafts.map(({ id, times, values }): Draft => {
    const [ownTimes, ownValues]: [number[], number[]] = [[], []];
    for (let from = 0; from < times.length;) {
      const start = startOf(times[from]!, step);
      const end = endOf(start, step);
      let to = from + 1;
      while (to < times.length && times[to]! < end) to++;
      if (!(dropsHead && start === head) && !(dropsTail && start === tail)) {
        ownTimes.push(start);
        ownValues.push(combine(values.subarray(from, to)));
      }
      from = to;
    }
    return { id, times: Float64Array.from(ownTimes), values: Float64Array.from(ownValues) };
  });
  return { drafts: brought, notes };
}
