import { dateLabel } from "./calendar.ts";
import { isMissing, kindOf } from "./cell_kinds.ts";
import { isMostly, mayBeDates } from "./column_kinds.ts";
import { encodingName } from "./decode.ts";
import { frequencyName, stepsPerYear } from "./frequency.ts";
import { delimiterName } from "./layout.ts";
import type { ReadTable } from "./read_table.ts";
import { readSeries, type SeriesOptions, type TimeSeries } from "./series.ts";
import { counted, type Note, type Table, type TableColumn, TableError } from "./table.ts";
import { printable, quoted } from "../printable.ts";

/** What was found in a column. */
export interface InspectedColumn {
  readonly position: number;
  readonly title: string;
  readonly group?: string;
  readonly kind: "dates" | "numbers" | "text" | "empty";
  readonly missing: number;
  /** The first and the last cell with something in it. */
  readonly first: string;
  readonly last: string;
}

/** What was found in a file. */
export interface Inspection {
  readonly file: string;
  readonly format: Table["format"];
  readonly encoding: string;
  readonly isPacked: boolean;
  readonly delimiter?: string;
  readonly hasHeader: boolean;
  readonly rows: number;
  readonly columns: readonly InspectedColumn[];
  readonly notes: readonly Note[];
  /** The series as it would be trained on. */
  readonly series?: {
    readonly column: string;
    readonly instrument?: string;
    readonly dateColumn?: string;
    readonly dateFormat?: string;
    readonly frequency: string;
    readonly values: number;
    readonly missing: number;
    /** The standard deviation of log returns in percent a year; not of bars within a day. */
    readonly volatility?: number;
    readonly from: string;
    readonly to: string;
    /** The first and last values with their dates, as they were understood. */
    readonly head: readonly (readonly [date: string, value: number])[];
    readonly tail: readonly (readonly [date: string, value: number])[];
    /** The dates that a forecast would have. */
    readonly next: readonly string[];
  };
  /** Whether all values are above 0, as returns need them. */
  readonly isPositive?: boolean;
  /** Why there is no series. */
  readonly problem?: string;
}

/** Rows that are shown from the start and from the end. */
const SHOWN = 3;
/** Columns that are listed. */
const MOST_COLUMNS = 40;

/** Looks a file over: its layout, its columns and the series that would be trained on. */
export function inspect({ table, encoding, isPacked }: ReadTable, options: SeriesOptions = {}): Inspection {
  const base = {
    file: table.file,
    format: table.format,
    encoding,
    isPacked,
    ...(table.delimiter !== undefined && { delimiter: table.delimiter }),
    hasHeader: table.hasHeader,
    rows: table.rowCount,
    columns: table.columns.map(inspectColumn),
  };
  try {
    const series = readSeries(table, options);
    return {
      ...base,
      notes: series.notes,
      series: summaryOf(series),
      isPositive: series.values.every((value) => value > 0),
    };
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    return { ...base, notes: table.notes, problem: error.message };
  }
}

function inspectColumn(column: TableColumn): InspectedColumn {
  const { cells, position, title, group } = column;
  const missing = cells.reduce((count, cell) => count + Number(isMissing(cell)), 0);
  const kind = missing === cells.length
    ? "empty"
    : mayBeDates(column)
    ? "dates"
    : isMostly(column, "number")
    ? "numbers"
    : "text";
  const has = (cell: string) => !isMissing(cell) && kindOf(cell) !== "empty";
  const [first = "", last = ""] = [cells.find(has), cells.findLast(has)];
  return { position, title, ...(group !== undefined && { group }), kind, missing, first, last };
}

function summaryOf(series: TimeSeries): NonNullable<Inspection["series"]> {
  const { title, instrument, labels, values, frequency, calendar, unit, found } = series;
  const pairs = labels.map((label, i) => [label, values[i]!] as const);
  const volatility = volatilityOf(values, stepsPerYear(frequency));
  return {
    column: title,
    ...(instrument !== undefined && { instrument }),
    ...(found.dateColumn !== undefined && { dateColumn: found.dateColumn }),
    ...(found.dateFormat !== undefined && { dateFormat: found.dateFormat }),
    frequency: frequencyName(frequency),
    values: values.length,
    missing: found.missing,
    ...(volatility !== undefined && { volatility }),
    from: labels[0]!,
    to: labels.at(-1)!,
    head: pairs.slice(0, SHOWN),
    tail: pairs.slice(-SHOWN),
    next: calendar.next(SHOWN).map((time) => unit === "step" ? String(time) : dateLabel(time, unit)),
  };
}

/** Volatility in percent a year; undefined if a value is not above 0 or a year has no known number of steps. */
function volatilityOf(values: Float64Array, perYear: number | undefined): number | undefined {
  if (perYear === undefined || values.length < 3 || values.some((value) => value <= 0)) return undefined;
  const returns = values.slice(1).map((value, i) => Math.log(value / values[i]!));
  const mean = returns.reduce((a, b) => a + b) / returns.length;
  const variance = returns.reduce((total, value) => total + (value - mean) ** 2, 0) / (returns.length - 1);
  return Number((100 * Math.sqrt(perYear * variance)).toPrecision(4));
}

/** An inspection as people read it. */
export function inspectionText(found: Inspection, train: string): string {
  const { file, format, delimiter, encoding, isPacked, hasHeader, rows, columns, notes, series, problem } = found;
  const layout = [
    delimiter === undefined ? format : `${format} with ${delimiterName(delimiter)}`,
    encodingName(encoding),
    ...isPacked ? ["gzip"] : [],
    hasHeader ? "with a header" : "without a header",
    counted(rows, "row"),
    counted(columns.length, "column"),
  ];
  const width = columns.reduce((most, { title, group }) => Math.max(most, shownTitle(title, group).length), 5);
  const lines = columns.slice(0, MOST_COLUMNS).map(({ position, title, group, kind, missing, first, last }) =>
    `  ${String(position).padStart(3)}  ${shownTitle(title, group).padEnd(width)}  ${kind.padEnd(7)}  ` +
    `${quoted(first, 30)} … ${quoted(last, 30)}${missing > 0 ? `, ${missing.toLocaleString("en")} missing` : ""}`
  );
  const more = columns.length > MOST_COLUMNS ? [`       and ${columns.length - MOST_COLUMNS} more`] : [];
  return [
    `${file}: ${layout.join(", ")}`,
    "",
    "Columns:",
    ...lines,
    ...more,
    ...series === undefined ? [] : seriesLines(series),
    ...notes.length === 0 ? [] : ["", "Notes:", ...notes.map(({ level, text }) => `  ${level}: ${text}`)],
    "",
    problem === undefined ? `To train on it:\n  ${train}` : `It cannot be trained on yet:\n  ${problem}`,
  ].join("\n");
}

function shownTitle(title: string, group: string | undefined): string {
  return printable(group === undefined ? title || "(no title)" : `${title} (${group})`, 40);
}

function seriesLines(series: NonNullable<Inspection["series"]>): string[] {
  const { column, instrument, dateColumn, dateFormat, frequency, values, missing, volatility, from, to } = series;
  const { head, tail, next } = series;
  const of = instrument === undefined ? "" : ` of ${quoted(instrument, 40)}`;
  const dates = dateColumn === undefined
    ? "without dates"
    : `dates in ${dateColumn || "the column without a title"} (${dateFormat})`;
  const rows = head.length + tail.length >= values ? [...head, ...tail].slice(-values) : [...head, undefined, ...tail];
  const longest = Math.max(...[...head, ...tail].map(([date]) => date.length));
  return [
    "",
    `Series: ${column}${of}, ${dates}, ${frequency}`,
    `  ${counted(values, "value")} from ${from} to ${to}` +
    `${missing > 0 ? `, ${counted(missing, "row")} without a value left out` : ""}`,
    "",
    ...rows.map((row) => row === undefined ? "  …" : `  ${row[0].padEnd(longest)}  ${row[1]}`),
    "",
    ...volatility === undefined ? [] : [`  the volatility is ${volatility} % a year`],
    `  the next dates are ${next.join(", ")}`,
  ];
}
