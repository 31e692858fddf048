import type { ExtraColumn } from "../shared/tables/columns.ts";
import { parseTable } from "../shared/tables/parse_table.ts";
import { readSeries, type SeriesOptions } from "../shared/tables/series.ts";
import type { Note, Table, TableOptions } from "../shared/tables/table.ts";
import { type Rhythm, rhythmOf } from "./rhythm.ts";

/** Prices in order of time. */
export interface Prices {
  /** The file or data set they come from. */
  readonly file: string;
  /** Dates as reports show them: days as YYYY-MM-DD, times, weeks, months and so on, or "step 1" without dates. */
  readonly dates: readonly string[];
  /** Closing prices, in the file's currency or index points. */
  readonly close: Float64Array;
  /** The other requested columns. */
  readonly more: Readonly<Partial<Record<Column, Float64Array>>>;
  /** How often there is a price. */
  readonly rhythm: Rhythm;
  /** What was decided while reading, and oddities that are not errors. */
  readonly notes: readonly Note[];
}

/** How to read a file. */
export interface PriceOptions extends SeriesOptions, TableOptions {
  /** The file's own titles of columns. */
  readonly columns?: Partial<Record<Column, string>>;
  /** The columns to read besides date and close. */
  readonly need?: readonly ExtraColumn[];
  /** Rows in a year, where the dates do not tell. */
  readonly perYear?: number;
}

/** All columns. */
export const COLUMNS = ["date", "close", "open", "high", "low", "volume"] as const;
/** A column of a file. */
export type Column = (typeof COLUMNS)[number];

/**
 * Reads dates, closing prices and other columns from a table in text: CSV, TSV, JSON or JSON lines in the conventions of
 * many sources and countries.
 *
 * @param text The file's contents.
 * @param file Its name, for messages.
 * @throws {TableError} If a cell cannot be read, or the file leaves open what matters; the message names the option that
 * tells.
 */
export function parsePrices(text: string, file: string, options: PriceOptions = {}): Prices {
  return pricesOf(parseTable(text, file, options), options);
}

/** The prices in a table. */
export function pricesOf(table: Table, options: PriceOptions = {}): Prices {
  const { columns: { date, close, ...extra } = {}, perYear, ...rest } = options;
  const { labels, values, extra: more, frequency, notes, unit } = readSeries(table, {
    positive: true,
    ...(date !== undefined && { dateColumn: date }),
    ...(close !== undefined && { column: close }),
    extra,
    ...rest,
  });
  const dates = unit === "step" ? labels.map((label) => `step ${label}`) : labels;
  return { file: table.file, dates, close: values, more, rhythm: rhythmOf(frequency, perYear), notes };
}
