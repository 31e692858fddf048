import { type DateUnit, DAY, daysIn } from "./date_formats.ts";
import { type Frequency, monthsLater, weekday, weekdaysOf } from "./frequency.ts";

/** Dates that follow a series, in its own calendar. */
export interface Calendar {
  /** The date that comes after another. */
  after(at: number): number;
  /** Milliseconds of the dates that come after the last one. */
  next(count: number): number[];
  /** Milliseconds of the dates that are missing between two. */
  between(from: number, to: number): number[];
  /** Milliseconds of the dates that are missing between the first and the last; of too many, one more than `most`. */
  missing(most?: number): number[];
}

/** Times that a holiday must have been left out, and never been there, to be one. */
const LEAST_HOLIDAYS = 2;
/** Days of several dates a day that say when a session begins and ends. */
const LEAST_SESSIONS = 3;
/** The most dates that are listed between the first and the last. */
export const MOST_DATES = 5_000_000;

/** Easter Sunday in a year of the Gregorian calendar, as milliseconds (Meeus, Jones and Butcher's algorithm). */
export function easterOf(year: number): number {
  const a = year % 19;
  const [b, c] = [Math.floor(year / 100), year % 100];
  const d = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const e = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - d - c % 4) % 7;
  const f = d + e - 7 * Math.floor((a + 11 * d + 22 * e) / 451) + 114;
  return Date.UTC(year, Math.floor(f / 31) - 1, f % 31 + 1);
}

/** What a day is in its year: a date, a weekday of a month from its start and its end, days from Easter. */
function rolesOf(ms: number): string[] {
  const date = new Date(ms);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  const of = weekday(ms);
  return [
    `date ${month}-${day}`,
    `weekday ${month}-${of}-${Math.ceil(day / 7)}`,
    `last ${month}-${of}-${Math.ceil((daysIn(year, month) - day + 1) / 7)}`,
    `easter ${(ms - easterOf(year)) / DAY}`,
  ];
}

/** The roles of open weekdays on which the series never has a row: its holidays. */
function holidaysOf(times: Float64Array, open: ReadonlySet<number>): ReadonlySet<string> {
  const there = new Set(times);
  const [first, last] = [times[0]!, times.at(-1)!];
  // Only the last years count: holidays change.
  const start = Math.max(first, last - 12 * 366 * DAY);
  const counts = new Map<string, { absent: number; present: number }>();
  for (let day = start; day <= last; day += DAY) {
    if (!open.has(weekday(day))) continue;
    const isThere = there.has(day);
    for (const role of rolesOf(day)) {
      let count = counts.get(role);
      if (count === undefined) counts.set(role, count = { absent: 0, present: 0 });
      if (isThere) count.present++;
      else count.absent++;
    }
  }
  const years = (last - start) / (365 * DAY);
  return new Set([...counts].flatMap(([role, { absent, present }]) => {
    // A date falls on an open weekday in five of seven years, the other roles every year.
    const isFixed = role.startsWith("date");
    return present === 0 && absent >= Math.max(LEAST_HOLIDAYS, (isFixed ? 0.4 : 0.7) * years) ? [role] : [];
  }));
}

/**
 * The calendar of a series: which dates come after its last one.
 *
 * @param times Milliseconds in order of time.
 * @param unit What the dates name.
 */
export function calendarOf(times: Float64Array, frequency: Frequency, unit: DateUnit): Calendar {
  const last = times.at(-1)!;
  const after = nextOf(times, frequency, unit);
  return {
    after,
    next(count) {
      const dates: number[] = [];
      for (let i = 0, at = last; i < count; i++) dates.push(at = after(at));
      return dates;
    },
    between,
    missing(most = MOST_DATES) {
      const dates: number[] = [];
      for (let i = 1; i < times.length; i++) {
        for (let at = after(times[i - 1]!); isBefore(at, times[i]!); at = after(at)) {
          if (dates.push(at) > most) return dates;
        }
      }
      return dates;
    },
  };

  function between(from: number, to: number): number[] {
    const dates: number[] = [];
    for (let at = after(from); isBefore(at, to) && dates.length <= MOST_DATES; at = after(at)) dates.push(at);
    return dates;
  }

  /** Whether a date is missing before another one, and not the other one itself a few days off. */
  function isBefore(at: number, next: number): boolean {
    const slack = { week: 3.5, month: 15, quarter: 45, year: 180 }[frequency.unit as string] ?? 0;
    return at < next - slack * frequency.every * DAY;
  }
}

/** The date that comes after another. */
function nextOf(times: Float64Array, frequency: Frequency, dateUnit: DateUnit): (at: number) => number {
  const { unit, every } = frequency;
  switch (unit) {
    case "business day": {
      const open = weekdaysOf(times);
      const holidays = holidaysOf(times, open);
      return (at) => {
        let day = at;
        // A file without any open day would never end.
        for (let tries = 0; tries < 60; tries++) {
          day += DAY;
          if (open.has(weekday(day)) && !rolesOf(day).some((role) => holidays.has(role))) return day;
        }
        return at + DAY;
      };
    }
    case "day":
      return (at) => at + every * DAY;
    case "week": {
      // A holiday moves one week's row, not those after it.
      const usual = usualOf(times, weekday);
      return (at) => at + 7 * every * DAY + shiftTo(weekday(at), usual) * DAY;
    }
    case "month":
    case "quarter":
    case "year": {
      const months = every * { month: 1, quarter: 3, year: 12 }[unit];
      if (dateUnit !== "day") return (at) => monthsLater(at, months, 1);
      return monthly(times, months);
    }
    case "hour":
    case "minute":
    case "second":
      return inSessions(times, every * { hour: 3_600_000, minute: 60_000, second: 1000 }[unit]);
    default: {
      const steps = times.slice(1).map((time, i) => time - times[i]!).toSorted();
      const step = steps[steps.length >> 1] ?? DAY;
      return (at) => at + step;
    }
  }
}

function usualOf(times: Float64Array, of: (ms: number) => number): number {
  const counts = new Map<number, number>();
  for (const time of times) counts.set(of(time), (counts.get(of(time)) ?? 0) + 1);
  return [...counts].reduce((best, one) => one[1] > best[1] ? one : best)[0];
}

/** Days from a weekday to the usual one, the shorter way. */
function shiftTo(from: number, to: number): number {
  const days = (to - from + 7) % 7;
  return days > 3 ? days - 7 : days;
}

/** Months on the day that the series keeps: the first, the last, the first or last weekday, or the most frequent. */
function monthly(times: Float64Array, months: number): (at: number) => number {
  const dates = Array.from(times, (time) => new Date(time));
  const isEvery = (of: (ms: number) => number) => times.every((time) => of(time) === time);
  const day = (ms: number) => new Date(ms).getUTCDate();
  const firstDay = (ms: number) => monthsLater(ms, 0, 1);
  const lastDay = (ms: number) => monthsLater(ms, 0, 31);
  const isWeekend = (ms: number) => weekday(ms) % 6 === 0;
  const firstWeekday = (ms: number) => {
    const first = firstDay(ms);
    return isWeekend(first) ? first + (weekday(first) === 6 ? 2 : 1) * DAY : first;
  };
  const lastWeekday = (ms: number) => {
    const last = lastDay(ms);
    return isWeekend(last) ? last - (weekday(last) === 6 ? 1 : 2) * DAY : last;
  };
  for (const rule of [firstDay, lastDay, lastWeekday, firstWeekday]) {
    if (isEvery(rule)) return (at) => rule(monthsLater(at, months, 1));
  }
  // The last trading day may come before the last weekday, where that is a holiday.
  const late = dates.filter((date) => lastWeekday(date.getTime()) - date.getTime() <= 3 * DAY).length;
  if (late >= 0.9 * dates.length) return (at) => lastWeekday(monthsLater(at, months, 1));
  const early = dates.filter((date) => Math.abs(date.getTime() - firstWeekday(date.getTime())) <= 3 * DAY).length;
  if (early >= 0.9 * dates.length) return (at) => firstWeekday(monthsLater(at, months, 1));
  const usual = usualOf(times, day);
  return (at) => monthsLater(at, months, usual);
}

/** Times of day as the series has them: after a session's end comes the next day's start. */
function inSessions(times: Float64Array, step: number): (at: number) => number {
  const starts = new Map<number, number>();
  const ends = new Map<number, number>();
  const days = new Map<number, { first: number; last: number }>();
  for (const time of times) {
    const day = Math.floor(time / DAY) * DAY;
    const known = days.get(day);
    if (known === undefined) days.set(day, { first: time - day, last: time - day });
    else known.last = time - day;
  }
  // The first and last day may be cut off.
  const whole = [...days.values()].slice(1, -1);
  if (whole.length < LEAST_SESSIONS) return (at) => at + step;
  for (const { first, last } of whole) {
    starts.set(first, (starts.get(first) ?? 0) + 1);
    ends.set(last, (ends.get(last) ?? 0) + 1);
  }
  const most = (counts: Map<number, number>) => [...counts].reduce((best, one) => one[1] > best[1] ? one : best)[0];
  const [start, end] = [most(starts), most(ends)];
  const open = weekdaysOf(Float64Array.from(days.keys()));
  // Around the clock and every day.
  if (start + DAY - end <= step && open.size === 7) return (at) => at + step;
  return (at) => {
    const day = Math.floor(at / DAY) * DAY;
    const next = at + step;
    if (open.has(weekday(day)) && next <= day + end && next >= day + start) return next;
    let other = day;
    do other += DAY; while (!open.has(weekday(other)));
    return other + start;
  };
}

const pad = (value: number, width = 2) => String(value).padStart(width, "0");

/** A date as reports and files show it, in the form of what it names. */
export function dateLabel(ms: number, unit: DateUnit): string {
  const iso = new Date(ms).toISOString();
  switch (unit) {
    case "day":
      return iso.slice(0, 10);
    case "time":
      return `${iso.slice(0, 10)} ${iso.slice(11, iso.endsWith(":00.000Z") ? 16 : iso.endsWith(".000Z") ? 19 : 23)}`;
    case "month":
      return iso.slice(0, 7);
    case "quarter":
      return `${iso.slice(0, 4)}-Q${Math.floor(new Date(ms).getUTCMonth() / 3) + 1}`;
    case "year":
      return iso.slice(0, 4);
    case "week": {
      const thursday = ms + (4 - (weekday(ms) || 7)) * DAY;
      const year = new Date(thursday).getUTCFullYear();
      return `${year}-W${pad(Math.floor((thursday - Date.UTC(year, 0, 1)) / DAY / 7) + 1)}`;
    }
  }
}

/** The dates of a series as they are shown; days are written once for all times of theirs. */
export function dateLabels(times: Float64Array, unit: DateUnit): string[] {
  if (unit !== "time") return Array.from(times, (time) => dateLabel(time, unit));
  let [day, label] = [NaN, ""];
  return Array.from(times, (time) => {
    const own = Math.floor(time / DAY);
    if (own !== day) [day, label] = [own, new Date(own * DAY).toISOString().slice(0, 10)];
    const rest = time - own * DAY;
    if (rest % 1000 !== 0) return dateLabel(time, unit);
    const [minutes, seconds] = [Math.floor(rest / 60_000), rest / 1000 % 60];
    const clock = `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
    return seconds === 0 ? `${label} ${clock}` : `${label} ${clock}:${pad(seconds)}`;
  });
}
