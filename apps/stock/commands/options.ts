import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { OptimizerPlugin } from "@unfold/optimizers";
import csv from "vega-datasets/data/sp500-2000.csv" with { type: "text" };
import { between, integer, tryBlas, UsageError } from "../../shared/cli.ts";
import { readTextFile } from "../../shared/files.ts";
import { loadOptimizer, optimizerOption } from "../../shared/optimizers.ts";
import { FEATURE_SET_NAMES, FEATURE_SETS, type FeatureSetName } from "../features.ts";
import { MODELS } from "../forecaster.ts";
import { type Column, COLUMNS, parsePrices, type PriceOptions, type Prices } from "../prices.ts";
import type { Chosen } from "../summary.ts";
import { LONGEST_HORIZON, TARGET_NAMES } from "../targets.ts";

/** The default output folder. */
export const DEFAULT_OUT = "runs/stock";

/** Parses `date=…,close=…`. */
function columnTitles(text: string): Partial<Record<Column, string>> {
  const names = new Set<string>();
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const [name, title] = [pair.slice(0, pair.indexOf("=")).trim(), pair.slice(pair.indexOf("=") + 1).trim()];
      const isColumn = pair.includes("=") && (COLUMNS as readonly string[]).includes(name);
      if (isColumn && title !== "" && !names.has(name)) {
        names.add(name);
        return [name, title];
      }
      throw new InvalidArgumentError(
        `It must be a list of ${COLUMNS.map((column) => `${column}=…`).join(",")}, each at most once.`,
      );
    }),
  );
}

/** A command that reads prices. */
export function dataCommand(name: string) {
  return new Command(name)
    .option("--csv <file>", "daily prices with the columns date and close (default: the S&P 500, 2000 to 2020)")
    .option("--columns <titles>", 'the file\'s own column titles, e.g. date=Day,close="Adj Close"', columnTitles)
    .option("--sort", "sort the rows by date", false)
    .option("--json", "print the result as JSON", false);
}

/** A command that trains networks. */
export function trainingCommand(name: string) {
  return dataCommand(name)
    .addOption(
      new Option("--target <name>", "what to forecast: the price, the probability that it rises, or its volatility")
        .choices(TARGET_NAMES).default(TARGET_NAMES[0]!),
    )
    .option("--horizon <days>", "how many days ahead to forecast", integer(1, LONGEST_HORIZON), 1)
    .addOption(
      new Option("--features <set>", "input features: recent returns, or a textbook's set from prices and volumes")
        .choices(FEATURE_SET_NAMES).default(FEATURE_SET_NAMES[0]!),
    )
    .option("--epochs <n>", "passes over the training data", integer(1), 20)
    .option("--batch-size <n>", "windows per batch", integer(1), 32)
    .option("--optimizer <name>", "an optimizer by name, or a module that exports one: ./mine.ts, npm:…, jsr:…", "adam")
    .addOption(
      new Option("--optimizer-option <key=value>", "an option of the optimizer; may be repeated")
        .argParser(optimizerOption).default({}, "none"),
    )
    .option("--validation <fraction>", "fraction of the windows that chooses the best epoch", between(0, 0.9), 0.15)
    .option("--season <days>", "days in a season, for the seasonal baseline", integer(1), 5)
    .option("--seed <n>", "seed for the weights and for shuffling", integer(0), 1)
    .option("--blas [library]", "use OpenBLAS for matrix products (needs --allow-ffi)");
}

/** The output folder. */
export const outOption = new Option("--out <folder>", "output folder").default(DEFAULT_OUT);

/** The size of the test part. */
export const testOption = new Option("--test <fraction>", "fraction of the windows to test on: the last ones")
  .argParser(between(0, 1)).default(0.15);

/** Checks that enough windows are left to train on. */
export function checkFractions({ validation, test }: { readonly validation: number; readonly test: number }): void {
  // The tolerance is for rounding.
  if (validation + test < 0.9 + 1e-9) return;
  throw new UsageError("--validation and --test must leave at least a tenth of the windows for training");
}

/** A command that trains networks of a given size. */
export function sizedCommand(name: string) {
  return trainingCommand(name)
    .option("--window <days>", "days of history that the network sees", integer(1), 30)
    .option("--hidden <n>", "size of the hidden state", integer(1), 64)
    .option("--learning-rate <rate>", "initial learning rate; it decays along a cosine", between(0, Infinity), 1e-3);
}

/** A command that trains a given kind of network. */
export function networkCommand(name: string) {
  return sizedCommand(name).addOption(new Option("--model <name>", "the network").choices(MODELS).default(MODELS[0]));
}

/** The options of {@linkcode dataCommand}. */
interface DataOptions {
  readonly csv?: string | undefined;
  readonly columns?: Partial<Record<Column, string>> | undefined;
  readonly sort: boolean;
  /** Whether to print no warnings: another rank does. */
  readonly quiet?: boolean;
}

/** Loads prices and prints warnings about them. */
export async function readPrices(
  { csv, columns, sort, quiet = false }: DataOptions,
  features: FeatureSetName,
): Promise<Prices> {
  const prices = await loadPrices(csv, { ...(columns && { columns }), sort, need: FEATURE_SETS[features].columns });
  if (quiet) return prices;
  for (const warning of prices.warnings.slice(0, 5)) console.error(`warning: ${warning}`);
  if (prices.warnings.length > 5) console.error(`warning: ${prices.warnings.length - 5} more warnings like these`);
  return prices;
}

/** Loads what a training command needs: the prices, a factory for the optimizer, and OpenBLAS if requested. */
export async function prepareTraining(
  options: DataOptions & Omit<Chosen, "model" | "hidden" | "window" | "learningRate"> & {
    readonly blas?: string | true | undefined;
  },
): Promise<{ prices: Prices; makeOptimizer: () => Promise<OptimizerPlugin> }> {
  const makeOptimizer = () => loadOptimizer(options.optimizer, options.optimizerOption);
  // Fails on a bad optimizer before the prices are read.
  await makeOptimizer();
  const prices = await readPrices(options, options.features);
  if (options.blas !== undefined) tryBlas(options.blas, { quiet: options.quiet ?? false });
  return { prices, makeOptimizer };
}

/** Identifies a series, so that a run is resumed only on the same data. */
export async function seriesOf(
  { file, dates, close, more }: Prices,
): Promise<[file: string, rows: number, hash: string]> {
  const text = JSON.stringify([dates, [...close], Object.entries(more).map(([name, values]) => [name, [...values]])]);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [file, dates.length, new Uint8Array(hash).toHex().slice(0, 16)];
}

/** The prices in a file. Default: the S&P 500 from 2000 to 2020 in `vega-datasets`. */
async function loadPrices(file: string | undefined, options: PriceOptions = {}): Promise<Prices> {
  if (file === undefined) return parsePrices(csv, "S&P 500 (vega-datasets)", { need: options.need ?? [] });
  return parsePrices(await readTextFile(file), file, options);
}
