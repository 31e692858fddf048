import { type Calendar, calendarOf, dateLabel, dateLabels } from "./calendar.ts";
import { chooseColumns, type ColumnOptions, type ExtraColumn } from "./columns.ts";
import type { DateUnit } from "./date_formats.ts";
import { type DateColumn, readDates } from "./dates.ts";
import { type Frequency, frequencyOf } from "./frequency.ts";
import { type Fill, fillGaps } from "./gaps.ts";
import { type DecimalMark, missingNote, readNumbers, titleOf } from "./numbers.ts";
import { oddities } from "./sanity.ts";
import { counted, failIn, type Note, note, type Table, type TableColumn, warning } from "./table.ts";
import { quoted } from "../printable.ts";

/** How a series is to be read. */
export interface SeriesOptions extends ColumnOptions {
  readonly decimal?: DecimalMark;
  readonly dateFormat?: string;
  readonly fill?: Fill;
  /** Whether values of 0 and below are an error, since logarithms of them are taken. */
  readonly positive?: boolean;
}

/** Values over time. */
export interface TimeSeries {
  readonly file: string;
  /** The title of the column. */
  readonly title: string;
  readonly instrument?: string;
  /** Milliseconds since 1970, or the number of the row in a file without dates. */
  readonly times: Float64Array;
  /** The dates as they are shown. */
  readonly labels: readonly string[];
  readonly unit: DateUnit | "step";
  readonly frequency: Frequency;
  readonly calendar: Calendar;
  readonly values: Float64Array;
  readonly extra: Readonly<Partial<Record<ExtraColumn, Float64Array>>>;
  /** What was decided and what looks odd. */
  readonly notes: readonly Note[];
  /** What each of the file's decisions was, for `inspect`. */
  readonly found: {
    readonly dateColumn?: string;
    readonly dateFormat?: string;
    /** Rows left out because a value is missing. */
    readonly missing: number;
  };
}

/**
 * Reads a series from a table: finds its columns, reads numbers and dates, puts the rows in order and looks them over.
 *
 * @throws {TableError} If the file leaves something open that matters, or contradicts itself.
 */
export function readSeries(table: Table, options: SeriesOptions = {}): TimeSeries {
  const fail = failIn(table.file);
  if (table.rowCount === 0) fail("it must have at least one row of data, got a header alone");
  const chosen = chooseColumns(table, options);
  const rows = chosen.instrument?.rows;
  const view = rows === undefined
    ? table
    : { ...table, rowCount: rows.length, where: (row: number) => table.where(rows[row]!) };
  const of = (column: TableColumn): TableColumn =>
    rows === undefined ? column : { ...column, cells: Array.from(rows, (row) => column.cells[row]!) };
  const names = Object.keys(chosen.extra) as ExtraColumn[];
  const columns = [chosen.value, ...names.map((name) => chosen.extra[name]!)].map(of);
  // The plain close is read for the ratio alone, where other prices must follow it.
  const ratioOf = names.some((name) => name !== "volume") ? chosen.unadjusted : undefined;
  const numbers = readNumbers(view, ratioOf === undefined ? columns : [...columns, of(ratioOf)], options.decimal);
  const data = numbers.map(({ values }) => values);
  const notes: Note[] = [
    ...table.notes,
    ...chosen.notes,
    ...numbers.slice(0, columns.length).flatMap(({ notes }) => notes),
  ];
  if (chosen.instrument && rows !== undefined) {
    notes.push(note(`the series is ${quoted(chosen.instrument.name)}`));
  }
  const complete: number[] = [];
  let missing = 0;
  let firstMissing = 0;
  for (let row = 0; row < view.rowCount; row++) {
    if (data.some((values) => Number.isNaN(values[row]!))) {
      if (missing++ === 0) firstMissing = row;
    } else complete.push(row);
  }
  if (complete.length === 0) {
    fail(`column ${titleOf(chosen.value)} must have numbers, got none; --column names another`);
  }
  if (missing > 0) notes.push(missingNote(missing, titleOf(chosen.value), view.where(firstMissing)));
  const kept = Uint32Array.from(complete);
  const date = chosen.date === undefined ? undefined : readKeptDates(of(chosen.date), chosen.time && of(chosen.time));
  notes.push(...date?.notes ?? []);
  const times = date?.times ?? Float64Array.from(kept, (row) => row + 1);
  const unit: DateUnit | "step" = date?.unit ?? "step";
  if (date === undefined) notes.push(note("there is no column of dates: rows are counted as steps"));
  const label = (ms: number) => unit === "step" ? String(ms) : dateLabel(ms, unit);
  const order = inOrder();
  const sorted = Float64Array.from(order, (i) => times[i]!);
  const values = data.map((column) => Float64Array.from(order, (i) => column[kept[i]!]!));
  if (ratioOf !== undefined) adjust(values);
  if (options.positive ?? false) checkPositive(values);
  const frequency: Frequency = unit === "step" ? { unit: "step", every: 1, gaps: 0 } : frequencyOf(sorted, unit);
  const base = {
    file: table.file,
    title: titleOf(chosen.value),
    ...(chosen.instrument && { instrument: chosen.instrument.name }),
    unit,
    frequency,
    found: {
      ...(chosen.date && { dateColumn: titleOf(chosen.date) }),
      ...(date && { dateFormat: date.format }),
      missing,
    },
  };
  const calendar = calendarOf(sorted, frequency, unit === "step" ? "day" : unit);
  const whole = { times: sorted, values };
  const filled = unit === "step"
    ? { ...whole, notes: [] }
    : fillGaps(whole, { file: table.file, frequency, calendar, unit }, options.fill ?? "none");
  const labels = unit === "step" ? Array.from(filled.times, String) : dateLabels(filled.times, unit);
  notes.push(...oddities(filled.values[0]!, labels, table.file));
  return {
    ...base,
    times: filled.times,
    labels,
    calendar: filled.times === sorted ? calendar : calendarOf(filled.times, frequency, unit === "step" ? "day" : unit),
    values: filled.values[0]!,
    extra: Object.fromEntries(names.map((name, i) => [name, filled.values[i + 1]!])),
    notes: [...notes, ...filled.notes],
  };

  /** The dates of the rows that are kept: rows without a value may have none. */
  function readKeptDates(column: TableColumn, time: TableColumn | undefined): DateColumn {
    const only = (one: TableColumn) =>
      kept.length === one.cells.length ? one : { ...one, cells: Array.from(kept, (row) => one.cells[row]!) };
    const where = (row: number) => view.where(kept[row]!);
    return readDates({ ...view, where }, only(column), time && only(time), options.dateFormat);
  }

  /** The kept rows in order of time, each date once. */
  function inOrder(): Uint32Array {
    const { length } = kept;
    const isRising = times.every((time, i) => i === 0 || time > times[i - 1]!);
    const order = Uint32Array.from(kept, (_, i) => i);
    if (isRising) return order;
    const isFalling = times.every((time, i) => i === 0 || time <= times[i - 1]!);
    if (isFalling) order.reverse();
    else order.sort((a, b) => times[a]! - times[b]! || a - b);
    const unique: number[] = [];
    let [dropped, firstDropped] = [0, 0];
    for (const i of order) {
      const before = unique.at(-1);
      if (before === undefined || times[before] !== times[i]) {
        unique.push(i);
        continue;
      }
      const differs = data.findIndex((column) => column[kept[before]!] !== column[kept[i]!]);
      if (differs >= 0) {
        const [a, b] = [before, i].sort((a, b) => a - b) as [number, number];
        fail(
          `${view.where(kept[b]!)}: ${label(times[i]!)} must be there once, got it with ` +
            `${data[differs]![kept[b]!]} and in ${view.where(kept[a]!)} with ${data[differs]![kept[a]!]}; ` +
            "remove the wrong row, or name the column that tells series apart by --series-column",
        );
      }
      if (dropped++ === 0) firstDropped = i;
    }
    if (dropped > 0) {
      notes.push(note(
        `${counted(dropped, "row")} that repeat${dropped === 1 ? "s" : ""} another dropped, the first is ` +
          `${view.where(kept[firstDropped]!)}`,
      ));
    }
    const isJumbled = !isFalling && !times.every((time, i) => i === 0 || time >= times[i - 1]!);
    if (isFalling && length > 1) notes.push(note("the rows come newest first and are turned round"));
    else if (isJumbled) notes.push(warning("the rows are in no order of time and are sorted"));
    return Uint32Array.from(unique);
  }

  /** Brings open, high and low to the level of the adjusted close. */
  function adjust(values: Float64Array[]): void {
    const plain = values.at(-1)!;
    names.forEach((name, i) => {
      if (name === "volume") return;
      values[i + 1] = values[i + 1]!.map((value, row) => value * values[0]![row]! / plain[row]!);
    });
    notes.push(note("open, high and low are brought to the level of the adjusted close"));
  }

  function checkPositive(values: readonly Float64Array[]): void {
    const at = (row: number, column: TableColumn) => `${view.where(kept[order[row]!]!)}, column ${titleOf(column)}`;
    const low = values[0]!.findIndex((value) => value <= 0);
    if (low >= 0) {
      fail(
        `${at(low, chosen.value)}: a price must be above 0 for returns, which are logarithms, got ` +
          `${values[0]![low]}; ` +
          "--target change forecasts differences and takes such values",
      );
    }
    names.forEach((name, i) => {
      const [column, least] = [values[i + 1]!, name === "volume" ? 0 : Number.MIN_VALUE];
      const bad = column.findIndex((value) => value < least);
      if (bad < 0) return;
      const wanted = name === "volume" ? "a volume must not be negative" : "a price must be above 0";
      fail(`${at(bad, chosen.extra[name]!)}: ${wanted}, got ${column[bad]}; correct the row or remove it`);
    });
  }
}
