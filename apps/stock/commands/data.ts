import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import csv from "vega-datasets/data/sp500-2000.csv" with { type: "text" };
import { between, sayNotes } from "../../shared/cli.ts";
import { digestOf } from "../../shared/digest.ts";
import { readBytes, STDIN } from "../../shared/files.ts";
import {
  delimiterOption,
  encodingOption,
  headerOption,
  type LayoutOptions,
  quotesOption,
  readOptions,
} from "../../shared/table_options.ts";
import type { ExtraColumn } from "../../shared/tables/columns.ts";
import type { DecimalMark } from "../../shared/tables/numbers.ts";
import { type ReadTable, readTable } from "../../shared/tables/read_table.ts";
import type { Fill } from "../../shared/tables/gaps.ts";
import { TableError } from "../../shared/tables/table.ts";
import { type Column, COLUMNS, parsePrices, type PriceOptions, type Prices, pricesOf } from "../prices.ts";

/** Parses `date=…,close=…`; a title may be quoted and have commas. */
function columnTitles(text: string): Partial<Record<Column, string>> {
  const names = new Set<string>();
  const pairs = text.match(/(?<=^|,)[^,=]+=(?:"[^"]*"|[^,]*)/g) ?? [];
  const found = Object.fromEntries(pairs.map((pair) => {
    const [name, title] = [pair.slice(0, pair.indexOf("=")).trim(), pair.slice(pair.indexOf("=") + 1).trim()];
    if (!(COLUMNS as readonly string[]).includes(name) || title === "" || names.has(name)) return ["", ""];
    names.add(name);
    return [name, title.replace(/^"(.*)"$/, "$1")];
  }));
  if (pairs.length > 0 && !("" in found) && pairs.join(",") === text) return found;
  throw new InvalidArgumentError(
    `It must be a list of ${COLUMNS.map((column) => `${column}=…`).join(",")}, each at most once.`,
  );
}

/** The options of how a file is read, in a group of the help. */
export function withReading<const Name extends string>(name: Name) {
  return new Command(name)
    .addOption(encodingOption)
    .addOption(delimiterOption)
    .addOption(quotesOption)
    .addOption(headerOption)
    .addOption(new Option("--column <title>", "the column to forecast, by title or position"))
    .addOption(new Option("--date-column <title>", 'the column of the dates, by title or position, or "none"'))
    .addOption(
      new Option("--columns <titles>", 'titles of several columns, e.g. date=Day,close="Adj Close"').argParser(
        columnTitles,
      ),
    )
    .addOption(new Option("--series <name>", "the instrument to read, of several in the file"))
    .addOption(new Option("--series-column <title>", 'the column that names instruments, or "none"'))
    .addOption(new Option("--decimal <mark>", "the decimal mark (default: found)").choices(["point", "comma"]))
    .addOption(new Option("--date-format <format>", 'DMY, MDY, YMD or e.g. "%d.%m.%Y" (default: found)'))
    .addOption(
      new Option("--fill <how>", "fill missing dates with the value before or on a line")
        .choices(["none", "previous", "linear"]).default("none"),
    )
    .addOption(
      new Option("--per-year <n>", "rows in a year, for volatility a year (default: by the dates)")
        .argParser(between(0, Infinity)),
    )
    .addOption(new Option("--sort", "rows are always put in order; kept for older scripts").default(false).hideHelp());
}

/** A command that reads prices. */
export function dataCommand(name: string) {
  return withReading(name)
    .option("--csv <file>", 'prices as CSV, TSV or JSON, "-" for standard input (default: the S&P 500, 2000 to 2020)')
    .option("--json", "print the result as JSON", false);
}

/** The options of {@linkcode withReading}. */
export interface ReadingOptions extends LayoutOptions {
  readonly column?: string | undefined;
  readonly dateColumn?: string | undefined;
  readonly columns?: Partial<Record<Column, string>> | undefined;
  readonly series?: string | undefined;
  readonly seriesColumn?: string | undefined;
  readonly decimal?: string | undefined;
  readonly dateFormat?: string | undefined;
  readonly fill?: string;
  readonly perYear?: number | undefined;
  readonly sort?: boolean;
}

/** The options of {@linkcode dataCommand}. */
export interface DataOptions extends ReadingOptions {
  readonly csv?: string | undefined;
}

const READING = [
  ...["csv", "encoding", "delimiter", "quotes", "header", "column", "dateColumn", "columns", "series", "seriesColumn"],
  ...["decimal", "dateFormat", "fill", "perYear", "sort"],
] as const;

/** Options about the data, and all others. */
export function separate<T extends DataOptions>(
  options: T,
): { data: DataOptions; settings: Omit<T, keyof DataOptions> } {
  const entries = Object.entries(options);
  const isData = (name: string) => (READING as readonly string[]).includes(name);
  return {
    data: Object.fromEntries(entries.filter(([name]) => isData(name))) as DataOptions,
    settings: Object.fromEntries(entries.filter(([name]) => !isData(name))) as Omit<T, keyof DataOptions>,
  };
}

/** What the reading layer takes of the options. */
export function seriesOptions(options: ReadingOptions): PriceOptions {
  const { column, dateColumn, columns = {}, series, seriesColumn, decimal, dateFormat, fill, perYear } = options;
  const { close = column, date = dateColumn, ...extra } = columns;
  const all = {
    ...{ column: close, dateColumn: date, series, seriesColumn, dateFormat, perYear },
    decimal: decimal as DecimalMark | undefined,
    fill: fill as Fill | undefined,
    extra,
  };
  const { encoding: _, ...layout } = readOptions(options);
  return { ...Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)), ...layout };
}

/** Reads the table in a file, or in standard input. */
export async function openTable(file: string, options: ReadingOptions): Promise<ReadTable> {
  return await readTable(await readBytes(file), file === STDIN ? "stdin" : file, readOptions(options));
}

/** Loads prices and prints what was decided and what looks odd. */
export async function readPrices(
  { csv: file, ...options }: DataOptions,
  { need = [], positive = true, quiet = false }: {
    readonly need?: readonly ExtraColumn[];
    /** Whether prices must be above 0. */
    readonly positive?: boolean;
    /** Whether to print nothing: another rank does. */
    readonly quiet?: boolean;
  } = {},
): Promise<Prices> {
  const chosen = { ...seriesOptions(options), need, positive };
  if (file === undefined) return parsePrices(csv, "S&P 500 (vega-datasets)", { column: "close", need });
  const { table } = await openTable(file, options);
  const prices = await suggesting(file, () => pricesOf(table, chosen));
  if (!quiet) sayNotes(prices.notes);
  return prices;
}

/** Names the command that shows how a file is read, where an error says nothing else to try. */
function suggesting<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TableError) || error.message.includes("--") || file === STDIN) throw error;
    throw new TableError(`${error.message}; the command inspect ${file} shows how it is read`, { cause: error });
  }
}

/** Identifies a series, so that a run is resumed only on the same data. */
export async function seriesOf(
  { file, dates, close, more }: Prices,
): Promise<[file: string, rows: number, hash: string]> {
  const others = Object.entries(more).flatMap(([name, values]) => [name, values]);
  return [file, dates.length, await digestOf(dates.join("\n"), close, ...others)];
}
