import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import csv from "vega-datasets/data/co2-concentration.csv" with { type: "text" };
import { integer, sayNotes, UsageError } from "../../shared/cli.ts";
import { readBytes, STDIN } from "../../shared/files.ts";
import {
  delimiterOption,
  encodingOption,
  headerOption,
  type LayoutOptions,
  quotesOption,
  readOptions,
} from "../../shared/table_options.ts";
import { readTable } from "../../shared/tables/read_table.ts";
import { say } from "../../shared/printable.ts";
import type { Table } from "../../shared/tables/table.ts";
import { AGGREGATES, type Step, stepOf } from "../reading/aggregate.ts";
import { FILLS } from "../reading/assemble.ts";
import { leastHistory } from "../rolling.ts";
import { findSeason } from "../season.ts";
import { readSeriesSet, type SeriesSet, type SetOptions } from "../series_set.ts";

/** A command that reads series. */
export function dataCommand<const Name extends string>(name: Name) {
  return new Command(name)
    .option("--csv <file>", 'series as CSV, TSV or JSON, "-" for standard input (default: CO2 in the air at Mauna Loa)')
    .addOption(new Option("--layout <kind>", "one series a row, or series in columns (default: found)").choices([
      "rows",
      "columns",
    ]))
    .option("--column <titles>", "the column or columns to forecast, by title or position (default: all of numbers)")
    .option("--date-column <title>", 'the column of the dates, by title or position, or "none"')
    .option("--series-column <titles>", 'the column or columns with the ids of stacked series, or "none"')
    .addOption(
      new Option(
        "--fill <with>",
        "how to fill missing values: by a line between neighbours, by 0, or by the value before",
      )
        .choices(FILLS),
    )
    .addOption(
      new Option("--every <length>", 'bring the values to steps such as day, week or "15 minutes"').argParser(step),
    )
    .addOption(
      new Option("--aggregate <how>", "how the values of a step become one (default: sum)").choices(AGGREGATES),
    )
    .addOption(new Option("--decimal <mark>", "the decimal mark (default: found)").choices(["point", "comma"]))
    .option("--date-format <format>", 'DMY, MDY, YMD or e.g. "%d.%m.%Y" (default: found)')
    .addOption(encodingOption)
    .addOption(delimiterOption)
    .addOption(quotesOption)
    .addOption(headerOption)
    .option("--json", "print the result as JSON", false);
}

/** Parses `--every`. */
function step(text: string): Step {
  const found = stepOf(text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(
    'It must be day, week, month, quarter, year, hour, or hours or minutes that divide a day, such as "15 minutes".',
  );
}

/** The options of {@linkcode dataCommand}. */
export interface DataOptions extends LayoutOptions {
  readonly csv?: string | undefined;
  readonly layout?: string | undefined;
  readonly column?: string | undefined;
  readonly dateColumn?: string | undefined;
  readonly seriesColumn?: string | undefined;
  readonly fill?: string | undefined;
  readonly every?: Step | undefined;
  readonly aggregate?: string | undefined;
  readonly decimal?: string | undefined;
  readonly dateFormat?: string | undefined;
}

/** Reads the series in a file and prints what was decided. */
export async function loadSeries(options: DataOptions): Promise<SeriesSet> {
  const { csv: file, layout, column, dateColumn, seriesColumn, decimal, dateFormat, fill, every, aggregate } = options;
  if (aggregate !== undefined && every === undefined) {
    throw new UsageError("--aggregate needs the step whose values become one, such as --every day");
  }
  const table = await openTable(file, options);
  // The other column has no season.
  const own = file === undefined && column === undefined ? "CO2" : column;
  const chosen = { layout, column: own, dateColumn, seriesColumn, decimal, dateFormat, fill, step: every, aggregate };
  const given = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
  const set = readSeriesSet(table, given as SetOptions);
  sayNotes(set.notes);
  return set;
}

async function openTable(file: string | undefined, options: LayoutOptions): Promise<Table> {
  const bytes = file === undefined ? new TextEncoder().encode(csv) : await readBytes(file);
  const name = file === undefined ? "CO2 at Mauna Loa (vega-datasets)" : file === STDIN ? "stdin" : file;
  return (await readTable(bytes, name, readOptions(options))).table;
}

/** The option of the season. */
export const seasonOption = new Option("--season <steps>", "steps in a season, 1 for none (default: found)")
  .argParser(integer(1, 100_000));
/** The option of the horizon. */
export const horizonOption = new Option("--horizon <steps>", "steps ahead to forecast (default: a season, or 10)")
  .argParser(integer(1, 10_000));

/** The horizon without a season, if none is given. */
const USUAL_HORIZON = 10;

/** Season and horizon, as they are given or as the series suggest. */
export function rhythmOf(
  { file, series, frequency }: SeriesSet,
  options: { readonly season?: number | undefined; readonly horizon?: number | undefined },
): { season: number; horizon: number } {
  const values = series.map(({ values }) => values);
  const season = options.season ?? findSeason(values, frequency);
  const longest = values.reduce((most, { length }) => Math.max(most, length), 0);
  const usual = season > 1 ? season : USUAL_HORIZON;
  // Two origins must fit into the longest series.
  const horizon = options.horizon ?? Math.min(usual, Math.max(1, Math.floor((longest - leastHistory(season)) / 2)));
  if (options.horizon === undefined && horizon < usual) {
    say(`note: the horizon is ${horizon}, since no series has more than ${longest} values; --horizon sets it`);
  }
  const least = horizon + leastHistory(season);
  if (longest >= least) return { season, horizon };
  const seasonText = season > 1 ? ` and a season of ${season}` : "";
  const hints = [
    ...horizon > 1 ? ["shorten --horizon"] : [],
    ...season > 1 ? ["leave out the season by --season 1"] : [],
  ];
  throw new UsageError(
    `Cannot forecast ${file}: with a horizon of ${horizon}${seasonText} a series must have at least ${least} values, ` +
      `got at most ${longest}; ${hints.length > 0 ? hints.join(", or ") : "wait for more values"}`,
  );
}
