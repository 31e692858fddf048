import { monthOf, withoutWeekday } from "./month_names.ts";

/** What a date names: a day, a time of a day, or a longer period. */
export type DateUnit = "day" | "time" | "week" | "month" | "quarter" | "year";

/** A date as it was read. */
export interface ReadDate {
  /** Milliseconds since 1970 of the date and time that the cell shows, as if they were in UTC. */
  readonly ms: number;
  /** Whether it has a time of day. */
  readonly hasTime: boolean;
  /** The offset of its time zone from UTC in minutes, if it shows one. */
  readonly offset?: number;
}

/** One way to write dates. */
export interface DateFormat {
  /** What messages call it. */
  readonly name: string;
  readonly unit: DateUnit;
  /** A date in it; undefined if a text is none. */
  readonly parse: (text: string) => ReadDate | undefined;
}

const MINUTE = 60_000;
export const DAY = 86_400_000;
/** Years that a date may have. */
const [EARLIEST, LATEST] = [1500, 2200];

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Days in a month, 1 to 12. */
export function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : LENGTHS[month - 1]!;
}

/** Milliseconds of a day; undefined if there is no such day. */
export function dayOf(year: number, month: number, day: number): number | undefined {
  if (!(year >= EARLIEST && year <= LATEST && month >= 1 && month <= 12 && day >= 1)) return undefined;
  return day <= daysIn(year, month) ? civil(year, month, day) * DAY : undefined;
}

/** Days since 1970 of a date of the Gregorian calendar (Howard Hinnant, chrono-compatible low-level date algorithms). */
function civil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear -
    719_468;
}

const TIME = /^[T ,]*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?([AaPp])?\.?(?:[Mm]\.?)?\s?(.{0,60})$/;
const ZONE = /^(?:Z|UTC|GMT|z)?([+-]\d{2}):?(\d{2})?(?:\s?[[(].*)?$/;
const NAMED_ZONE = /^(?:Z|z|[A-Z]{2,5}|[A-Z][A-Za-z]+\/[A-Za-z_/]+)?(?:\s?[[(].*)?$/;

/** A day with the time that follows it, if any. */
export function withTime(day: number | undefined, rest: string): ReadDate | undefined {
  if (day === undefined) return undefined;
  if (rest.trim() === "") return { ms: day, hasTime: false };
  const found = TIME.exec(rest);
  if (found === null) return undefined;
  const [, hours, minutes, seconds = "0", fraction = "", half, tail = ""] = found;
  let hour = Number(hours);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = hour % 12 + (half.toLowerCase() === "p" ? 12 : 0);
  }
  // Midnight may end a day.
  if (hour > 24 || Number(minutes) > 59 || Number(seconds) > 60) return undefined;
  const ms = day + (hour * 60 + Number(minutes)) * MINUTE + Number(seconds) * 1000 +
    Math.floor(Number(`0.${fraction || 0}`) * 1000);
  const zone = tail.trim();
  const offset = ZONE.exec(zone);
  if (offset !== null) {
    const sign = offset[1]!.startsWith("-") ? -1 : 1;
    return { ms, hasTime: true, offset: sign * (Math.abs(Number(offset[1])) * 60 + Number(offset[2] ?? 0)) };
  }
  if (!NAMED_ZONE.test(zone)) return undefined;
  return { ms, hasTime: true, ...(/^(?:Z|z|UTC|GMT)$/.test(zone) && { offset: 0 }) };
}

/** A two-digit year as POSIX takes it: 69 is 1969, 68 is 2068. */
export function fullYear(text: string): number {
  const year = Number(text);
  return text.length > 2 ? year : year < 69 ? 2000 + year : 1900 + year;
}

const digit = (text: string, at: number) => text.charCodeAt(at) - 48;
const two = (text: string, at: number) => {
  const [a, b] = [digit(text, at), digit(text, at + 1)];
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 ? 10 * a + b : NaN;
};

/**
 * 2023-10-02 or 2023-10-02 16:00:00 as milliseconds, without an object and a regular expression, since most files have
 * these; NaN if a text is neither.
 */
export function plainIso(text: string): number {
  const { length } = text;
  if ((length !== 10 && length !== 19) || text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return NaN;
  const day = dayOf(100 * two(text, 0) + two(text, 2), two(text, 5), two(text, 8)) ?? NaN;
  if (length === 10) return day;
  const between = text.charCodeAt(10);
  if ((between !== 32 && between !== 84) || text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return NaN;
  const [hours, minutes, seconds] = [two(text, 11), two(text, 14), two(text, 17)];
  return hours <= 24 && minutes <= 59 && seconds <= 60 ? day + (hours * 60 + minutes) * MINUTE + seconds * 1000 : NaN;
}

/** 2023-10-02, with a time of day if one follows. */
function parseIso(text: string): ReadDate | undefined {
  const plain = plainIso(text);
  if (!Number.isNaN(plain)) return { ms: plain, hasTime: text.length > 10 };
  if (text.length <= 10 || !/^[T ,]/.test(text.slice(10))) return undefined;
  const day = plainIso(text.slice(0, 10));
  return Number.isNaN(day) ? undefined : withTime(day, text.slice(10));
}

/** A format by a regular expression that begins at the start of the text; what follows is the time of day. */
function byPattern(
  name: string,
  unit: DateUnit,
  pattern: RegExp,
  day: (...groups: string[]) => number | undefined,
): DateFormat {
  return {
    name,
    unit,
    parse: (text) => {
      const found = pattern.exec(text);
      if (found === null) return undefined;
      const ms = day(...found.slice(1).map((group) => group ?? ""));
      return unit === "day"
        ? withTime(ms, text.slice(found[0].length))
        : ms === undefined
        ? undefined
        : { ms, hasTime: false };
    },
  };
}

const month = (year: string, name: string, day: string) => {
  const number = monthOf(name);
  return number === undefined ? undefined : dayOf(fullYear(year), number, Number(day));
};

/** The Monday of an ISO week. */
export function weekOf(year: number, week: number, weekday = 1): number | undefined {
  const fourth = dayOf(year, 1, 4);
  if (fourth === undefined || week < 1 || week > 53) return undefined;
  const first = fourth - ((fourth / DAY + 3) % 7 + 7) % 7 * DAY;
  const monday = first + (week - 1) * 7 * DAY;
  // The Thursday of a week is in its year.
  return new Date(monday + 3 * DAY).getUTCFullYear() === year ? monday + (weekday - 1) * DAY : undefined;
}

/** Epochs by their number of digits. */
const EPOCHS = [
  { digits: [9, 10], scale: 1000, name: "seconds since 1970" },
  { digits: [12, 13], scale: 1, name: "milliseconds since 1970" },
  { digits: [15, 16], scale: 1e-3, name: "microseconds since 1970" },
  { digits: [18, 19], scale: 1e-6, name: "nanoseconds since 1970" },
] as const;

/** The formats that need no decision between day and month, the more frequent ones first. */
export const FORMATS: readonly DateFormat[] = [
  { name: "YYYY-MM-DD", unit: "day", parse: parseIso },
  byPattern(
    "YYYY/MM/DD",
    "day",
    /^(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})(?!\d)/,
    (year, _, month, day) => dayOf(Number(year), Number(month), Number(day)),
  ),
  {
    name: "YYYYMMDD",
    unit: "day",
    parse: (text) => {
      const found = /^(\d{4})(\d{2})(\d{2})(?:[T_ -]?(\d{2}):?(\d{2}):?(\d{2})?)?(Z)?$/.exec(text);
      if (found === null) return undefined;
      const [, year, month, day, hours, minutes, seconds = "00"] = found;
      const rest = hours === undefined ? "" : ` ${hours}:${minutes}:${seconds}`;
      return withTime(dayOf(Number(year), Number(month), Number(day)), rest);
    },
  },
  ...EPOCHS.map(({ digits: [least, most], scale, name }): DateFormat => ({
    name,
    unit: "day",
    parse: (text) => {
      const found = /^(\d{9,19})(?:\.(\d{1,9}))?$/.exec(text);
      if (found === null || found[1]!.length < least || found[1]!.length > most) return undefined;
      return { ms: Math.floor(Number(text) * scale), hasTime: true, offset: 0 };
    },
  })),
  byPattern(
    "a week as 2023-W05",
    "week",
    /^(\d{4})-?W(\d{1,2})(?:-?([1-7]))?$/i,
    (year, week, day) => weekOf(Number(year), Number(week), Number(day || 1)),
  ),
  byPattern(
    "a quarter as 2023Q1",
    "quarter",
    /^(\d{4})[-\s/.]?Q([1-4])$/i,
    (year, quarter) => dayOf(Number(year), 3 * Number(quarter) - 2, 1),
  ),
  byPattern(
    "a quarter as Q1 2023",
    "quarter",
    /^Q([1-4])[-\s/.]?(\d{4}|\d{2})$/i,
    (quarter, year) => dayOf(fullYear(year!), 3 * Number(quarter) - 2, 1),
  ),
  byPattern(
    "a month as YYYY-MM",
    "month",
    /^(\d{4})(?:[-/. ]M?(\d{1,2})|M?(\d{2}))$/i,
    (year, month, other) => dayOf(Number(year), Number(month || other), 1),
  ),
  byPattern(
    "a month as MM/YYYY",
    "month",
    /^(\d{1,2})[-/. ](\d{4})$/,
    (month, year) => dayOf(Number(year), Number(month), 1),
  ),
  byPattern("a year", "year", /^(\d{4})(?:\.0)?$/, (year) => dayOf(Number(year), 1, 1)),
  byPattern("a year with a fraction", "month", /^(\d{4}(?:\.\d{1,20})?)$/, (text) => {
    const year = Math.floor(Number(text));
    const months = (Number(text) - year) * 12;
    // Twelfths and quarters, rounded to as few as three digits.
    return Math.abs(months - Math.round(months)) < 0.02 && Math.round(months) < 12
      ? dayOf(year, Math.round(months) + 1, 1)
      : undefined;
  }),
  byPattern(
    "Oct 2, 2023",
    "day",
    /^(\p{L}+)\.?[\s-]+(\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(\d{4}|\d{2})(?!\d|:)/u,
    (name, day, year) => month(year!, name!, day!),
  ),
  byPattern(
    "Oct 2 2023",
    "day",
    /^(\p{L}+)\.? (\d{1,2}) \d{2}:\d{2}:\d{2} (\d{4})$/u,
    (name, day, year) => month(year!, name!, day!),
  ),
  byPattern(
    "2 Oct 2023",
    "day",
    /^(\d{1,2})(?:st|nd|rd|th)?\.?[\s\-/]*(?:de )?(\p{L}+)\.?,?[\s\-/]*(?:de )?(\d{4}|\d{2})(?!\d|:)/u,
    (day, name, year) => month(year!, name!, day!),
  ),
  byPattern(
    "2023-Oct-02",
    "day",
    /^(\d{4})[\s\-/]?(\p{L}+)\.?[\s\-/]?(\d{1,2})(?!\d|:)/u,
    (year, name, day) => month(year!, name!, day!),
  ),
  byPattern(
    "a month as Oct 2023",
    "month",
    /^(\p{L}+)\.?[\s\-/,']*(\d{4}|\d{2})$/u,
    (name, year) => month(year!, name!, "1"),
  ),
  byPattern("a month as 2023 Oct", "month", /^(\d{4})[\s\-/]*(\p{L}+)\.?$/u, (year, name) => month(year!, name!, "1")),
  {
    name: "days of a spreadsheet",
    unit: "day",
    // Day 25569 is 1970-01-01 in Excel, LibreOffice and Google Sheets.
    parse: (text) => {
      const serial = /^\d{5}(?:\.\d{1,12})?$/.test(text) ? Number(text) : NaN;
      if (!(serial >= 10_000 && serial <= 80_000)) return undefined;
      return { ms: Math.round((serial - 25_569) * DAY / 1000) * 1000, hasTime: serial % 1 !== 0 };
    },
  },
];

/** The orders that day, month and year can have. */
export type DateOrder = "DMY" | "MDY" | "YMD";

/** Dates of numbers whose order their column decides. */
export const ORDERED: Readonly<Record<DateOrder, DateFormat>> = {
  DMY: byPattern(
    "D/M/Y",
    "day",
    /^(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})(?![\d])/,
    (day, _, month, year) => dayOf(fullYear(year!), Number(month), Number(day)),
  ),
  MDY: byPattern(
    "M/D/Y",
    "day",
    /^(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})(?![\d])/,
    (month, _, day, year) => dayOf(fullYear(year!), Number(month), Number(day)),
  ),
  YMD: byPattern(
    "Y/M/D",
    "day",
    /^(\d{2})([-/. ])(\d{1,2})\2(\d{1,2})(?![\d])/,
    (year, _, month, day) => dayOf(fullYear(year!), Number(month), Number(day)),
  ),
};

/** A date of any format that needs no decision. */
export function parseWith(format: DateFormat, cell: string): ReadDate | undefined {
  if (cell.length > 80) return undefined;
  const text = cell.trim();
  return format.parse(text) ?? (/^[A-Za-z]/.test(text) ? format.parse(withoutWeekday(text)) : undefined);
}
