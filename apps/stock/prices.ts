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

/** Prices beyond these are taken for mistakes. */
const [LOWEST, HIGHEST] = [1e-9, 1e15];

/** A cell as messages show it: quoted, in one line, not longer than a glance. */
function shown(cell: string): string {
  return JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell);
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
    const places = header.flatMap((title, index) => title.trim().toLowerCase() === name ? [index] : []);
    if (places.length > 1) fail(`line 1: column ${name} must be there once, got it ${places.length} times`);
    return places[0] ?? fail(`line 1: column ${name} is missing; it has ${header.slice(0, 20).map(shown).join(", ")}`);
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
    if (row.length > header.length) {
      fail(
        `${at}: it must have the header's ${header.length} cells, got ${row.length}; numbers must have a decimal point and no ` +
          "commas, unless quoted",
      );
    }
    const date = (row[dateColumn] ?? "").trim();
    const price = (row[closeColumn] ?? "").trim();
    const inDate = `${at}, column ${header[dateColumn]!.trim()}`;
    if (!isDate(date)) fail(`${inDate}: it must be a day as YYYY-MM-DD, got ${shown(date)}`);
    const before = dates.at(-1);
    if (before === date) fail(`${inDate}: dates must differ, got ${date} twice`);
    if (before !== undefined && before > date) {
      fail(`${inDate}: dates must be in order of time, got ${date} after ${before}`);
    }
    const value = /^\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(price) ? Number(price) : NaN;
    if (!(value >= LOWEST && value <= HIGHEST)) {
      fail(
        `${at}, column ${header[closeColumn]!.trim()}: it must be a number from ${LOWEST} to ${HIGHEST}, got ` +
          (price === "" ? "nothing" : shown(price)),
      );
    }
    dates.push(date);
    close.push(value);
  }
  if (dates.length === 0) fail("it must have at least one row of prices, got a header alone");
  return { file, dates, close: Float64Array.from(close) };
}
