import { Option } from "@commander-js/extra-typings";
import { CELLS } from "../../shared/choices.ts";
import { between, from, integer, seedFrom } from "../../shared/cli.ts";
import { digestOf } from "../../shared/digest.ts";
import { threadsOption } from "../../shared/threads.ts";
import type { NetworkSettings } from "../networks.ts";
import type { SeriesSet } from "../series_set.ts";
import { dataCommand, type DataOptions, horizonOption, seasonOption } from "./data.ts";

/** The default output folder. */
export const DEFAULT_OUT = "runs/forecast";
/** The default model file. */
export const DEFAULT_MODEL = `${DEFAULT_OUT}/model.safetensors`;

/** The output folder. */
export const outOption = new Option("--out <folder>", "output folder").default(DEFAULT_OUT);

/** A command that compares candidates, but for the size of the network. */
export function comparingCommand<const Name extends string>(name: Name) {
  return dataCommand(name)
    .addOption(horizonOption)
    .addOption(seasonOption)
    .option("--folds <n>", "rolling origins of each series", integer(1, 100), 3)
    .option("--steps <n>", "batches to train on", integer(1, 1_000_000), 1000)
    .option("--batch-size <n>", "windows in a batch", integer(1, 100_000), 128)
    .option("--seeds <n>", "networks that are trained from different weights and averaged", integer(1, 100), 1)
    .option("--seed <n>", "the first seed", seedFrom, 1)
    .addOption(threadsOption);
}

/** A command that trains a network of a given size. */
export function networkCommand<const Name extends string>(name: Name) {
  return comparingCommand(name)
    .option("--no-network", "compare the classical methods alone")
    .addOption(new Option("--cell <name>", "the network's recurrent layer").choices(CELLS).default("lstm"))
    .option("--hidden <n>", "size of the hidden state", integer(1, 4096), 64)
    .option("--dropout <rate>", "share of features that are dropped while training", from(0, 1), 0)
    .option("--learning-rate <rate>", "initial learning rate; it decays along a cosine", between(0, Infinity), 5e-3);
}

/** The options of {@linkcode networkCommand}. */
export type NetworkOptions = DataOptions & NetworkSettings & {
  readonly horizon?: number | undefined;
  readonly season?: number | undefined;
  readonly folds: number;
  readonly network: boolean;
};

/** The options that say where the series are and how to read them. They are not settings of a run. */
const READING = [
  ...["csv", "layout", "column", "dateColumn", "seriesColumn", "decimal", "dateFormat", "fill", "every", "aggregate"],
  ...["encoding", "delimiter", "quotes", "header", "json"],
];

/** The options that say how to train and to compare. */
export function settingsOf<T extends DataOptions>(options: T): Omit<T, keyof DataOptions> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !READING.includes(name))) as Omit<
    T,
    keyof DataOptions
  >;
}

/** Identifies a set of series, so that a run is resumed only on the same data. */
export async function identityOf(
  { file, series, frequency }: SeriesSet,
): Promise<[file: string, count: number, hash: string]> {
  const about = [frequency, series.map(({ id, from, to }) => [id, from, to])];
  return [file, series.length, await digestOf(JSON.stringify(about), ...series.map(({ values }) => values))];
}
