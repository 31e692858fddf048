// @ts-types="@types/d3-dsv"
import { csvParseRows } from "d3-dsv";

/** A CSV file that cannot be used; the message names file, line and column. */
export class CsvError extends Error {
  override readonly name = "CsvError";
}

/** Daily closing prices in order of time. */
export interface Prices {
  /** Where they come from. */
  readonly file: string;
  /** Days as YYYY-MM-DD. */
  readonly dates: readonly string[];
  /** Closing prices, in the file's currency or index points. */
  readonly close: Float64Array;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/**
 * Reads dates and closing prices from a CSV with a header. Columns may stand in any order and case; others are ignored.
 *
 * @param text The file's contents.
 * @param file Its name, for messages.
 * @throws {CsvError} If a column is missing, a date is no day, comes twice or out of order, or a price is no number above 0.
 */
export function parsePrices(text: string, file: string): Prices {
  const fail = (problem: string): never => {
    throw new CsvError(`Cannot read ${file}: ${problem}`);
  };
  const rows = csvParseRows(text.replace(/^\uFEFF/, ""));
  const isBlank = (row: readonly string[]) => row.every((cell) => cell.trim() === "");
  const header = rows[0];
  if (header === undefined || isBlank(header)) {
    return fail("it must have a header with the columns date and close, got an empty file");
  }
  const columnOf = (name: string) => {
    const index = header.findIndex((title) => title.trim().toLowerCase() === name);
    return index >= 0 ? index : fail(`line 1: column ${name} is missing; it has ${header.join(", ")}`);
  };
  const [dateColumn, closeColumn] = [columnOf("date"), columnOf("close")];

  const dates: string[] = [];
  const close: number[] = [];
  let line = 1;
  for (const row of rows) {
    const at = `line ${line}`;
    // A quoted cell may hold line breaks.
    line += 1 + row.reduce((breaks, cell) => breaks + (cell.match(/\n/g)?.length ?? 0), 0);
    if (row === header || isBlank(row)) continue;
    const date = (row[dateColumn] ?? "").trim();
    const price = (row[closeColumn] ?? "").trim();
    if (!isDate(date)) fail(`${at}, column ${header[dateColumn]}: it must be a day as YYYY-MM-DD, got "${date}"`);
    const before = dates.at(-1);
    if (before === date) fail(`${at}, column ${header[dateColumn]}: dates must differ, got ${date} twice`);
    if (before !== undefined && before > date) {
      fail(`${at}, column ${header[dateColumn]}: dates must be in order of time, got ${date} after ${before}`);
    }
    const value = Number(price);
    if (price === "" || !(value > 0 && value < Infinity)) {
      fail(
        `${at}, column ${header[closeColumn]}: it must be a number above 0, got ${
          price === "" ? "nothing" : `"${price}"`
        }`,
      );
    }
    dates.push(date);
    close.push(value);
  }
  if (dates.length === 0) fail("it must have at least one row of prices, got a header alone");
  return { file, dates, close: Float64Array.from(close) };
}
