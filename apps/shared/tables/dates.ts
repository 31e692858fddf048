import { dateLabel } from "./calendar.ts";
import { isMissing } from "./cell_kinds.ts";
import {
  type DateFormat,
  type DateOrder,
  type DateUnit,
  DAY,
  FORMATS,
  ORDERED,
  parseWith,
  plainIso,
  weekOf,
} from "./date_formats.ts";
import { frequencyOf } from "./frequency.ts";
import { titleOf } from "./numbers.ts";
import { formatOf } from "./strptime.ts";
import { failIn, type Note, note, type Table, type TableColumn } from "./table.ts";
import { printable, quoted } from "../printable.ts";

/** The dates of a column. */
export interface DateColumn {
  /** Milliseconds since 1970 of what each row shows, as if it were in UTC. */
  readonly times: Float64Array;
  readonly unit: DateUnit;
  /** What the format is called. */
  readonly format: string;
  readonly notes: readonly Note[];
}

const EXAMPLES = "such as 2023-10-02, 2023-10-02 16:00, 02/10/2023, Oct 2, 2023, 2023-10 or 2023Q4";

/**
 * Reads a column of dates in one of the known formats, the same for all rows.
 *
 * @param time A column with the times of day, where they are apart.
 * @param option A format as `--date-format` names it.
 * @throws {TableError} If a row has another format, or nothing decides between day and month.
 */
export function readDates(table: Table, column: TableColumn, time?: TableColumn, option?: string): DateColumn {
  const fail = failIn(table.file);
  const { cells } = column;
  const at = (row: number) => `${table.where(row)}, column ${titleOf(column)}`;
  const first = cells.findIndex((cell) => !isMissing(cell));
  if (first < 0) fail(`column ${titleOf(column)} must have dates, got none; --date-column names another`);
  const empty = cells.findIndex((cell) => isMissing(cell));
  if (empty >= 0) {
    fail(
      `${at(empty)}: it must be a date, got ${cells[empty]!.trim() === "" ? "nothing" : quoted(cells[empty]!)}; ` +
        "complete the row or remove it",
    );
  }
  const sample = cells[first]!;
  if (option !== undefined) {
    const format = formatOf(option);
    if (typeof format === "string") return fail(`--date-format must be ${format}, got ${quoted(option)}`);
    const read = readAll(column, format);
    if (typeof read !== "number") return finish(read, format, []);
    return fail(`${at(read)}: it must be a date as --date-format ${option} says, got ${quoted(cells[read]!)}`);
  }
  const known = FORMATS.filter((format) => parseWith(format, sample) !== undefined);
  let furthest = { row: -1, format: "" };
  for (const format of known) {
    const read = readAll(column, format);
    if (typeof read !== "number") return finish(read, format, []);
    if (read > furthest.row) furthest = { row: read, format: format.name };
  }
  const orders = (Object.keys(ORDERED) as DateOrder[]).filter((order) =>
    parseWith(ORDERED[order], sample) !== undefined
  );
  const reads = (["DMY", "MDY", "YMD"] as const).map((order) => ({ order, read: readAll(column, ORDERED[order]) }));
  const fits = reads.flatMap(({ order, read }) => typeof read === "number" ? [] : [{ order, read }]);
  if (fits.length > 0) return decideOrder(fits);
  for (const { order, read } of reads) {
    if (typeof read === "number" && orders.length > 0 && read > furthest.row) {
      furthest = { row: read, format: ORDERED[order].name };
    }
  }
  if (furthest.row <= 0) {
    return fail(
      `${at(first)}: it must be a date ${EXAMPLES}, got ${quoted(sample)}; --date-format tells the format, ` +
        "--date-column another column",
    );
  }
  return fail(
    `${at(furthest.row)}: it must be a date as the rows before have it (${furthest.format}), ` +
      `got ${quoted(cells[furthest.row]!)}; correct it, or name the format by --date-format`,
  );

  /** One of several orders of day, month and year: the one that gives dates in order and regular steps. */
  function decideOrder(fits: readonly { order: DateOrder; read: AllDates }[]): DateColumn {
    const [only] = fits;
    const shown = (order: DateOrder) =>
      `${quoted(sample)} is ${dateLabel(parseWith(ORDERED[order], sample)!.ms, "day")}`;
    if (fits.length === 1) {
      const { order, read } = only!;
      return finish(read, ORDERED[order], [note(`dates are ${ORDERED[order].name}: ${shown(order)}`)]);
    }
    const judged = fits.map(({ order, read }) => ({ order, read, ...regularity(read.times) }));
    const ordered = judged.filter(({ isOrdered }) => isOrdered);
    const candidates = (ordered.length > 0 ? ordered : judged).toSorted((a, b) => a.exceptions - b.exceptions);
    const [best, second] = candidates;
    const isClear = second === undefined || (second.exceptions - best!.exceptions >= 3 &&
      best!.exceptions * 3 <= second.exceptions);
    if (isClear && cells.length >= 3) {
      const { order, read } = best!;
      const reason = second === undefined ? "only so are they in order" : "only so are they evenly spaced";
      return finish(read, ORDERED[order], [note(`dates are ${ORDERED[order].name}, since ${reason}: ${shown(order)}`)]);
    }
    const choices = fits.map(({ order }) => `--date-format ${order} (${shown(order)})`).join(" or ");
    return fail(
      `column ${titleOf(column)}: nothing tells the order of day and month, since all its dates fit ` +
        `${fits.map(({ order }) => ORDERED[order].name).join(" and ")}; add ${choices}`,
    );
  }

  function finish({ times, hasTime, offsets }: AllDates, format: DateFormat, notes: readonly Note[]): DateColumn {
    if (format.unit !== "day") return { times, unit: format.unit, format: format.name, notes };
    const timed = time === undefined ? times : addTimes(table, times, time);
    if (!hasTime && time === undefined) return { times, unit: "day", format: format.name, notes };
    // One row a day at most: the time is that of the exchange's close or of midnight somewhere, and says nothing.
    const days = timed.map((ms) => Math.floor(ms / DAY) * DAY);
    const mixed = offsets.size > 1;
    const zoned = mixed ? readUtc(column, format) : timed;
    if (isOneADay(days, zoned)) return { times: days, unit: "day", format: format.name, notes };
    const zone = mixed ? [note("times have several time zones and are read as UTC")] : [];
    return { times: zoned, unit: "time", format: format.name, notes: [...notes, ...zone] };
  }
}

/** Whether no day has two different times. */
function isOneADay(days: Float64Array, times: Float64Array): boolean {
  const isPair = (day: number, i: number) => i > 0 && day === days[i - 1] && times[i] !== times[i - 1];
  return !days.some(isPair) && new Set(days).size === new Set(times).size;
}

/** All dates of a column. */
interface AllDates {
  readonly times: Float64Array;
  readonly hasTime: boolean;
  readonly offsets: ReadonlySet<number | undefined>;
}

/** The dates of a column in a format, or the first row that is not in it. */
function readAll({ cells }: TableColumn, format: DateFormat): AllDates | number {
  const times = new Float64Array(cells.length);
  const offsets = new Set<number | undefined>();
  let hasTime = false;
  let lastOffset: number | undefined | null = null;
  const isIso = format === FORMATS[0];
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]!;
    if (isIso) {
      times[row] = plainIso(cell);
      if (!Number.isNaN(times[row]!)) {
        if (cell.length > 10) {
          hasTime = true;
          if (lastOffset !== undefined) offsets.add(lastOffset = undefined);
        }
        continue;
      }
    }
    const date = parseWith(format, cell);
    if (date === undefined) return row;
    times[row] = date.ms;
    if (!date.hasTime) continue;
    hasTime = true;
    if (date.offset !== lastOffset) offsets.add(lastOffset = date.offset);
  }
  return { times, hasTime, offsets };
}

function readUtc({ cells }: TableColumn, format: DateFormat): Float64Array {
  return Float64Array.from(cells, (cell) => {
    const { ms, offset = 0 } = parseWith(format, cell)!;
    return ms - offset * 60_000;
  });
}

/** Days with the times of day of another column: 16:00, 160000, 1600 or hours. */
function addTimes(table: Table, days: Float64Array, { cells, title }: TableColumn): Float64Array {
  return days.map((day, row) => {
    const cell = cells[row]!.trim();
    const found = /^(\d{1,2}):?(\d{2})?:?(\d{2})?(?:\.\d+)?\s?([ap])?m?$/i.exec(
      cell.padStart(/^\d{5}$/.test(cell) ? 6 : 0, "0"),
    );
    const [, hours, minutes = "0", seconds = "0", half] = found ?? [];
    let hour = Number(hours);
    if (half !== undefined) hour = hour % 12 + (half.toLowerCase() === "p" ? 12 : 0);
    if (found === null || hour > 24 || Number(minutes) > 59 || Number(seconds) > 60) {
      failIn(table.file)(
        `${table.where(row)}, column ${printable(title, 40)}: it must be a time of day such as 16:00, got ${
          quoted(cell)
        }`,
      );
    }
    return day + ((hour * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  });
}

/** Whether dates are in order, and how many of their steps are not as the others. */
function regularity(times: Float64Array): { isOrdered: boolean; exceptions: number } {
  const isOrdered = times.every((time, i) => i === 0 || time >= times[i - 1]!) ||
    times.every((time, i) => i === 0 || time <= times[i - 1]!);
  const sorted = Float64Array.from(new Set(times)).sort();
  const { unit, gaps } = frequencyOf(sorted, "day");
  return { isOrdered, exceptions: unit === "irregular" ? sorted.length : gaps };
}

/** Milliseconds of a date that {@linkcode dateLabel} wrote; NaN if it is none. */
export function timeOf(label: string): number {
  const quarter = /^(\d{4})-Q([1-4])$/.exec(label);
  if (quarter !== null) return Date.UTC(Number(quarter[1]), 3 * Number(quarter[2]) - 3, 1);
  const week = /^(\d{4})-W(\d{2})$/.exec(label);
  if (week !== null) return weekOf(Number(week[1]), Number(week[2])) ?? NaN;
  if (!/^\d{4}(?:-\d{2}){0,2}(?: \d{2}:\d{2}(?::\d{2}(?:\.\d{3})?)?)?$/.test(label)) return NaN;
  return Date.parse(label.length > 10 ? `${label.replace(" ", "T")}Z` : label);
}
