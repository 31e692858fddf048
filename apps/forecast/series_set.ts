import { failIn, type Note, note, type Table } from "../shared/tables/table.ts";
import type { DateUnit } from "../shared/tables/date_formats.ts";
import type { Frequency } from "../shared/tables/frequency.ts";
import type { DecimalMark } from "../shared/tables/numbers.ts";
import { weekdaysOf } from "../shared/tables/frequency.ts";
import { aggregate, type AggregateName, frequencyOfStep, type Step, unitOfStep } from "./reading/aggregate.ts";
import { assemble, type FillName, gridOf, usualFrequency } from "./reading/assemble.ts";
import { stackCalendar } from "./reading/calendar_table.ts";
import { readColumns } from "./reading/columns.ts";
import { type Arrangement, type Draft, type Drafts, longestOf, type OneSeries } from "./reading/draft.ts";
import { findIds } from "./reading/ids.ts";
import { findRows, readRows } from "./reading/rows.ts";
import { type Rhythm, rowsPerDay } from "./season.ts";

export type { Arrangement, OneSeries };

/** How the series of a table are to be read. */
export interface SetOptions {
  readonly column?: string;
  readonly dateColumn?: string;
  readonly seriesColumn?: string;
  readonly decimal?: DecimalMark;
  readonly dateFormat?: string;
  /** How the series are arranged; found from the table if omitted. */
  readonly layout?: "columns" | "rows";
  /** What is put where there is no value. Default: a line between the neighbours. */
  readonly fill?: FillName;
  /** The step that values are brought to, and how those of a step become one. Default: as they are. */
  readonly step?: Step;
  readonly aggregate?: AggregateName;
}

/** All series of a table. */
export interface SeriesSet {
  readonly file: string;
  readonly arrangement: Arrangement;
  readonly frequency: Rhythm;
  /** Whether steps have dates, not numbers. */
  readonly hasDates: boolean;
  readonly series: readonly OneSeries[];
  readonly notes: readonly Note[];
}

/**
 * Reads all series of a table, however it holds them. Values missing at the ends are left out, and those missing in
 * between are put on a line between their neighbours; so are missing dates. Leading zeros of a series that is never
 * negative, such as sales before a product existed, are left out too.
 *
 * @throws {TableError} If there is no series, or a series has a date twice.
 */
export function readSeriesSet(table: Table, options: SetOptions = {}): SeriesSet {
  if (table.rowCount === 0) failIn(table.file)("it must have at least one row of data, got a header alone");
  const read = readDrafts(table, options);
  const { unit, drafts, notes } = read.unit !== "step" && options.step !== undefined
    ? bring({ ...read, unit: read.unit }, options.step, options.aggregate ?? "sum")
    : read;
  if (options.step !== undefined && read.unit === "step") {
    failIn(table.file)("--every needs dates, got none; leave it out, or name the column of the dates by --date-column");
  }
  const there = drafts.filter(({ times }) => times.length > 0);
  if (there.length === 0) failIn(table.file)("it must have a series with values, got only missing ones");
  const frequency = options.step === undefined ? usualFrequency(there, unit) : frequencyOfStep(options.step);
  // What is added up is 0 where nothing is.
  const isSum = options.step !== undefined && ["sum", "count"].includes(options.aggregate ?? "sum");
  const fill = options.fill ?? (isSum ? "zero" : undefined);
  const { series, notes: more } = assemble(drafts, gridOf(there, unit, frequency), { file: table.file, fill });
  return {
    file: table.file,
    arrangement: read.arrangement,
    frequency: rhythmOf(there, frequency),
    hasDates: unit !== "step",
    series,
    notes: [...notes, ...more],
  };
}

/** How many values the series of a set have, how often, and when the first series begins and ends. */
export function extentOf({ series, frequency }: Pick<SeriesSet, "series" | "frequency">) {
  const lengths = series.map(({ values }) => values.length);
  return {
    frequency,
    series: series.length,
    shortest: lengths.reduce((a, b) => Math.min(a, b)),
    longest: lengths.reduce((a, b) => Math.max(a, b)),
    from: series[0]!.from,
    to: series[0]!.to,
  };
}

function readDrafts(table: Table, options: SetOptions): Drafts {
  const { layout, decimal, seriesColumn, step } = options;
  const mayBeOther = options.column === undefined && options.dateColumn === undefined && layout !== "columns";
  if (mayBeOther && layout === undefined) {
    const calendar = stackCalendar(table);
    if (calendar !== undefined) {
      const { stacked, date, values } = calendar;
      const columns = { ...options, dateColumn: date.title, column: values.title };
      const read = readColumns({ ...stacked, hasHeader: true }, columns);
      const how = note("a year a row and a period a column, or the other way round, is read as one date after another");
      return { ...read, arrangement: "calendar", notes: [how, ...read.notes] };
    }
  }
  const found = layout === "rows" || mayBeOther ? findRows(table, options.dateFormat) : undefined;
  const rows = found ??
    (layout === "rows" ? { about: table.columns.slice(0, 1), values: table.columns.slice(1) } : found);
  if (rows !== undefined) {
    const ids = seriesColumn === undefined ? {} : { ids: findIds(table, table.columns, undefined, seriesColumn) };
    return readRows(table, rows, { decimal, ...ids });
  }
  return readColumns(table, { ...options, keepRepeated: step !== undefined });
}

/** Series brought to a step. */
function bring(
  { arrangement, unit, drafts, notes }: Drafts & { readonly unit: DateUnit },
  step: Step,
  how: AggregateName,
): Drafts {
  const without = drafts.map(({ id, times, values }): Draft => {
    const there = Array.from(values, (_, i) => i).filter((i) => !Number.isNaN(values[i]!));
    return {
      id,
      times: Float64Array.from(there, (i) => times[i]!),
      values: Float64Array.from(there, (i) => values[i]!),
    };
  });
  const brought = aggregate(without, { unit, step, how });
  return { arrangement, unit: unitOfStep(step), drafts: brought.drafts, notes: [...notes, ...brought.notes] };
}

/** The frequency, with the days of a week and the steps of a day on which there are values. */
function rhythmOf(drafts: readonly Draft[], { unit, every }: Frequency): Rhythm {
  const { times } = longestOf(drafts);
  if (unit === "business day") return { unit, every, perWeek: weekdaysOf(times).size };
  const perDay = unit === "hour" || unit === "minute" ? rowsPerDay(times) : undefined;
  return { unit, every, ...(perDay !== undefined && { perDay }) };
}
