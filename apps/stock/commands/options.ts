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

/** Where results go unless told otherwise. */
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
        `It must be a list of ${COLUMNS.map((column) => `${column}=…`).join(",")}, each once at most.`,
      );
    }),
  );
}

/** A command that reads prices. */
export function dataCommand(name: string) {
  return new Command(name)
    .option("--csv <file>", "prices with the columns date and close (default: the S&P 500, 2000 to 2020)")
    .option("--columns <titles>", "titles of columns that go by another name: date=…,close=…", columnTitles)
    .option("--sort", "put the rows in order of time", false)
    .option("--json", "print the result as JSON", false);
}

/** A command that trains networks, of whatever size. */
export function trainingCommand(name: string) {
  return dataCommand(name)
    .addOption(
      new Option("--target <name>", "what to forecast: the price, whether it rises, or how much it moves")
        .choices(TARGET_NAMES).default(TARGET_NAMES[0]!),
    )
    .option("--horizon <days>", "how many days ahead", integer(1, LONGEST_HORIZON), 1)
    .addOption(
      new Option("--features <set>", "what the network sees: returns, or a textbook's prices and volumes")
        .choices(FEATURE_SET_NAMES).default(FEATURE_SET_NAMES[0]!),
    )
    .option("--epochs <n>", "times through the training part", integer(1), 20)
    .option("--batch-size <n>", "windows in a batch", integer(1), 32)
    .option("--optimizer <name>", "a rule by name, or a module that makes one: ./mine.ts, npm:…, jsr:…", "adam")
    .option("--optimizer-option <key=value>", "an option of it; may be repeated", optimizerOption, {})
    .option("--validation <fraction>", "fraction of the windows to choose the epoch by", between(0, 0.9), 0.15)
    .option("--season <days>", "days after which a season comes again, for the seasonal baseline", integer(1), 5)
    .option("--seed <n>", "seed of the weights and the shuffling", integer(0), 1)
    .option("--blas [library]", "hand matrix products to OpenBLAS (needs --allow-ffi)");
}

/** Where a command's results go. */
export const outOption = new Option("--out <folder>", "where the results go").default(DEFAULT_OUT);

/** The part that is tested on. */
export const testOption = new Option("--test <fraction>", "fraction of the windows, the last ones, to test on")
  .argParser(between(0, 1)).default(0.15);

/** Checks that something is left. */
export function checkFractions({ validation, test }: { readonly validation: number; readonly test: number }): void {
  // A tenth that rounding has taken from is one.
  if (validation + test < 0.9 + 1e-9) return;
  throw new UsageError("--validation and --test must leave a tenth of the windows to learn from");
}

/** A command that trains networks of one size. */
export function sizedCommand(name: string) {
  return trainingCommand(name)
    .option("--window <days>", "days that the network sees", integer(1), 30)
    .option("--hidden <n>", "features of the network's state", integer(1), 64)
    .option("--learning-rate <rate>", "first learning rate; it falls along a cosine", between(0, Infinity), 1e-3);
}

/** A command that trains one kind of network. */
export function networkCommand(name: string) {
  return sizedCommand(name).addOption(new Option("--model <name>", "the network").choices(MODELS).default(MODELS[0]));
}

/** The options of {@linkcode dataCommand}. */
interface DataOptions {
  readonly csv?: string | undefined;
  readonly columns?: Partial<Record<Column, string>> | undefined;
  readonly sort: boolean;
  /** Whether another rank says what there is to say. */
  readonly quiet?: boolean;
}

/** Loads prices and says what looks odd about them. */
export async function readPrices(
  { csv, columns, sort, quiet = false }: DataOptions,
  features: FeatureSetName,
): Promise<Prices> {
  const prices = await loadPrices(csv, { ...(columns && { columns }), sort, need: FEATURE_SETS[features].columns });
  if (quiet) return prices;
  for (const warning of prices.warnings.slice(0, 5)) console.error(`warning: ${warning}`);
  if (prices.warnings.length > 5) console.error(`warning: and ${prices.warnings.length - 5} more of these`);
  return prices;
}

/** Checks and loads what a training command needs: the prices, a way to make the optimizer, the kernels. */
export async function prepareTraining(
  options: DataOptions & Omit<Chosen, "model" | "hidden" | "window" | "learningRate"> & {
    readonly blas?: string | true | undefined;
  },
): Promise<{ prices: Prices; makeOptimizer: () => Promise<OptimizerPlugin> }> {
  const makeOptimizer = () => loadOptimizer(options.optimizer, options.optimizerOption);
  // What is wrong with it is said before anything is read.
  await makeOptimizer();
  const prices = await readPrices(options, options.features);
  if (options.blas !== undefined) tryBlas(options.blas, { quiet: options.quiet ?? false });
  return { prices, makeOptimizer };
}

/** What identifies a series: a run that goes on must have the same numbers. */
export async function seriesOf(
  { file, dates, close, more }: Prices,
): Promise<[file: string, rows: number, hash: string]> {
  const text = JSON.stringify([dates, [...close], Object.entries(more).map(([name, values]) => [name, [...values]])]);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [file, dates.length, new Uint8Array(hash).toHex().slice(0, 16)];
}

/** The prices in a file, or the S&P 500 from 2000 to 2020 that comes with `vega-datasets`. */
async function loadPrices(file: string | undefined, options: PriceOptions = {}): Promise<Prices> {
  if (file === undefined) return parsePrices(csv, "S&P 500 (vega-datasets)", { need: options.need ?? [] });
  return parsePrices(await readTextFile(file), file, options);
}
