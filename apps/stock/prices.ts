// @ts-types="@types/d3-dsv"
import { dsvFormat } from "d3-dsv";

/** A CSV file that cannot be used; the message names file, line and column. */
class CsvError extends Error {
  override readonly name = "CsvError";
}

/** Daily prices in order of time. */
export interface Prices {
  /** The file or data set they come from. */
  readonly file: string;
  /** Days as YYYY-MM-DD. */
  readonly dates: readonly string[];
  /** Closing prices, in the file's currency or index points. */
  readonly close: Float64Array;
  /** The other requested columns. */
  readonly more: Readonly<Partial<Record<Column, Float64Array>>>;
  /** Oddities that are not errors. */
  readonly warnings: readonly string[];
}

/** How to read a file. */
export interface PriceOptions {
  /** The file's own titles of columns. */
  readonly columns?: Partial<Record<Column, string>>;
  /** Whether to sort the rows by date. */
  readonly sort?: boolean;
  /** The columns to read besides date and close. */
  readonly need?: readonly Column[];
}

/** The titles that the usual sources give to each column. */
const TITLES = {
  date: ["date"],
  close: ["close", "close/last"],
  open: ["open"],
  high: ["high"],
  low: ["low"],
  volume: ["volume"],
} as const;
/** A column of a file. */
export type Column = keyof typeof TITLES;
/** All columns. */
export const COLUMNS = Object.keys(TITLES) as Column[];

/** Prices outside these bounds are taken for mistakes. */
const [LOWEST, HIGHEST] = [1e-9, 1e15];
/** A gap of more days than this gives a warning. */
const LONG_GAP = 10;

/** A cell in a message: quoted, on one line, and short. */
function shown(cell: string): string {
  return JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell);
}

/** Parses YYYY-MM-DD, with or without a time, or MM/DD/YYYY; undefined if it is not a date. */
function parseDate(text: string): string | undefined {
  const us = text.match(/^(\d{1,2})\/(\d{1,2})\/(\d{4})$/);
  const iso = us === null ? text.slice(0, 10) : `${us[3]}-${us[1]!.padStart(2, "0")}-${us[2]!.padStart(2, "0")}`;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(iso) || (us === null && !/^(?:[ T][\d:.]+Z?)?$/.test(text.slice(10)))) {
    return undefined;
  }
  const time = Date.parse(iso);
  // Date.parse reads 31 February as 3 March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso) ? iso : undefined;
}

/** Parses a price: an optional $, and either commas between thousands or points between thousands and a decimal comma. */
function parsePrice(text: string, decimalComma: boolean): number {
  let plain = text.startsWith("$") ? text.slice(1) : text;
  if (decimalComma) {
    if (/^\d{1,3}(?:\.\d{3})+(?:,\d+)?$|^\d+,\d+$/.test(plain)) plain = plain.replaceAll(".", "").replace(",", ".");
  } else if (/^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(plain)) plain = plain.replaceAll(",", "");
  return /^\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

/**
 * Whether commas are decimal marks in a file with semicolons, where points then group thousands. They are if a comma comes
 * before other than three digits. If three digits follow each comma, only a $ shows that they group thousands.
 */
function hasDecimalCommas(text: string, fail: (problem: string) => never): boolean {
  if (/\d,(?:\d{1,2}|\d{4,})(?!\d)|\.\d{3},\d/.test(text)) return true;
  const unclear = /\d+,\d{3}(?![\d,])/.exec(text);
  if (unclear === null || text.includes("$") || /,\d{3}(?:,\d{3}|\.\d)/.test(text)) return false;
  return fail(`${unclear[0]} may be thousands or decimals: numbers must have a decimal point, or thousands a $`);
}

/** The separator between the cells of a header. */
function separatorOf(header: string): string {
  const count = (separator: string) => header.split(separator).length;
  return [",", ";", "\t"].reduce((best, separator) => count(separator) > count(best) ? separator : best);
}

/**
 * Reads dates, closing prices and other requested columns from a CSV with a header, as written by Yahoo, Stooq, Nasdaq and
 * others. Columns may be in any order and their titles in any case; other columns are ignored.
 *
 * @param text The file's contents.
 * @param file Its name, for messages.
 * @throws {CsvError} If a column is missing, a date is invalid, repeated or out of order, or a price is not a positive number.
 */
export function parsePrices(text: string, file: string, options: PriceOptions = {}): Prices {
  const fail = (problem: string): never => {
    throw new CsvError(`Cannot read ${file}: ${problem}`);
  };
  const whole = text.replace(/^\uFEFF/, "");
  const separator = separatorOf(whole.slice(0, whole.search(/[\r\n]|$/)));
  const decimalComma = separator === ";" && hasDecimalCommas(whole, fail);
  const isBlank = (row: readonly string[]) => row.every((cell) => cell.trim() === "");
  let header: readonly string[] = [];
  const names: readonly Column[] = ["date", "close", ...options.need ?? []];
  let places: Partial<Record<Column, number>> = {};
  let dates: string[] = [];
  const lines: number[] = [];
  // Yahoo has such rows for days without trading.
  const withoutPrices: number[] = [];
  const numbers = names.slice(1).map((): number[] => []);
  let line = 1;
  dsvFormat(separator).parseRows(whole, (row, index) => {
    const here = line;
    // A quoted cell may hold line breaks.
    line += 1;
    for (const cell of row) if (cell.includes("\n")) line += cell.split("\n").length - 1;
    if (index === 0) {
      if (isBlank(row)) return;
      header = row.map((title) => title.trim());
      places = Object.fromEntries(
        names.map((name) => [name, findColumn(header, name, options, fail)]),
      ) as typeof places;
    } else if (header.length > 0 && !isBlank(row)) addRow(row, here);
    // Returns nothing, so that no row is kept.
  });
  if (header.length === 0) return fail("it must have a header with the columns date and close, got an empty file");

  function addRow(row: readonly string[], line: number): void {
    if (row.length > header.length) {
      fail(
        `line ${line}: it must have the header's ${header.length} cells, got ${row.length}; numbers must have a decimal point ` +
          "and no commas, unless quoted",
      );
    }
    const cell = (name: Column) => (row[places[name]!] ?? "").trim();
    if (names.slice(1).every((name) => cell(name) === "null")) {
      withoutPrices.push(line);
      return;
    }
    const bad = (name: Column, wanted: string) => {
      const got = cell(name) === "" ? "nothing" : shown(cell(name));
      return fail(`line ${line}, column ${header[places[name]!]}: it must be ${wanted}, got ${got}`);
    };
    dates.push(parseDate(cell("date")) ?? bad("date", "a day as YYYY-MM-DD or MM/DD/YYYY"));
    lines.push(line);
    names.slice(1).forEach((name, i) => {
      const value = parsePrice(cell(name), decimalComma);
      // There are days without trading.
      const lowest = name === "volume" ? 0 : LOWEST;
      if (!(value >= lowest && value <= HIGHEST)) bad(name, `a number from ${lowest} to ${HIGHEST}`);
      numbers[i]!.push(value);
    });
  }

  const order = Uint32Array.from(dates, (_, i) => i);
  if (options.sort) order.sort((a, b) => dates[a]! < dates[b]! ? -1 : Number(dates[a]! > dates[b]!));
  order.forEach((row, i) => {
    const [date, before] = [dates[row]!, dates[order[i - 1] ?? -1]];
    const at = `line ${lines[row]}, column ${header[places.date!]}`;
    if (before === date) fail(`${at}: dates must differ, got ${date} twice`);
    if (before !== undefined && before > date) {
      fail(`${at}: dates must be in order of time, got ${date} after ${before}; --sort puts them in order`);
    }
  });
  if (dates.length === 0) fail("it must have at least one row of prices, got a header alone");
  const [close, ...others] = numbers.map((values) => Float64Array.from(order, (row) => values[row]!));
  const more = Object.fromEntries(others.map((values, i) => [names[i + 2], values]));
  if (options.sort) dates = Array.from(order, (row) => dates[row]!);
  const left = withoutPrices.length === 0 ? [] : [
    `${file}: rows without prices are left out, ${withoutPrices.length} of them, the first in line ${withoutPrices[0]}`,
  ];
  return { file, dates, close: close!, more, warnings: [...left, ...warningsOf(file, dates, close!)] };
}

function findColumn(
  header: readonly string[],
  name: Column,
  { columns = {} }: PriceOptions,
  fail: (problem: string) => never,
): number {
  const named = columns[name];
  const wanted: readonly string[] = named === undefined ? TITLES[name] : [named.toLowerCase()];
  const called = named ?? name;
  // If several of a column's possible titles are present, the first one counts.
  const title = wanted.find((title) => header.some((other) => other.toLowerCase() === title));
  const places = header.flatMap((other, index) => other.toLowerCase() === title ? [index] : []);
  if (places.length > 1) fail(`line 1: column ${called} must be there once, got it ${places.length} times`);
  return places[0] ?? fail(`line 1: column ${called} is missing; it has ${header.slice(0, 20).map(shown).join(", ")}`);
}

/** Warns of jumps that look like splits, and of long gaps. */
function warningsOf(file: string, dates: readonly string[], close: Float64Array): string[] {
  const warnings: string[] = [];
  const gaps: { days: number; index: number }[] = [];
  for (let i = 1; i < dates.length; i++) {
    const days = (Date.parse(dates[i]!) - Date.parse(dates[i - 1]!)) / 86_400_000;
    if (days > LONG_GAP) gaps.push({ days, index: i });
    const ratio = Math.max(close[i]! / close[i - 1]!, close[i - 1]! / close[i]!);
    // 3:2 is the only common split with a fractional ratio.
    const [parts, of] = Math.abs(ratio / 1.5 - 1) <= 0.03 ? [3, 2] : [Math.round(ratio), 1];
    if (parts < 2 || Math.abs(ratio * of / parts - 1) > 0.03) continue;
    const kind = close[i]! < close[i - 1]! ? `${parts}:${of}` : `${of}:${parts}`;
    const jump = `from ${close[i - 1]} to ${close[i]}`;
    warnings.push(
      `${file}: on ${dates[i]} the price goes ${jump}, as a split of ${kind} would make it; ` +
        'adjusted prices have no such jumps (--columns close="Adj Close")',
    );
  }
  const longest = gaps.toSorted((a, b) => b.days - a.days)[0];
  if (longest !== undefined) {
    const count = gaps.length === 1 ? "a gap" : `${gaps.length} gaps`;
    warnings.push(
      `${file}: there ${gaps.length === 1 ? "is" : "are"} ${count} of more than ${LONG_GAP} days, the longest from ` +
        `${dates[longest.index - 1]} to ${dates[longest.index]}; returns across one count as those of a day`,
    );
  }
  return warnings;
}
