import { Option } from "@commander-js/extra-typings";
import type { OptimizerPlugin } from "@unfold/optimizers";
import { between, integer, seedFrom, tryBlas, UsageError } from "../../shared/cli.ts";
import { allowRemoteOption, loadOptimizer, optimizerNameOption, optimizerOption } from "../../shared/optimizers.ts";
import { threadsOption } from "../../shared/threads.ts";
import { FEATURE_SET_NAMES, FEATURE_SETS, type FeatureSetName } from "../features.ts";
import { MODELS } from "../forecaster.ts";
import type { Prices } from "../prices.ts";
import { usualSeason } from "../rhythm.ts";
import type { Chosen } from "../summary.ts";
import { LONGEST_HORIZON, TARGET_NAMES, type TargetName, targetOf } from "../targets.ts";
import { dataCommand, type DataOptions, readPrices, separate } from "./data.ts";

/** The default output folder. */
export const DEFAULT_OUT = "runs/stock";

/** A command that trains networks. */
export function trainingCommand(name: string) {
  return dataCommand(name)
    .addOption(
      new Option(
        "--target <name>",
        "what to forecast: the price, the price by its changes, the probability of a rise, or the volatility",
      )
        .choices(TARGET_NAMES).default(TARGET_NAMES[0]!),
    )
    .option(
      "--horizon <steps>",
      "how many rows (days, weeks, months, …) ahead to forecast",
      integer(1, LONGEST_HORIZON),
      1,
    )
    .addOption(
      new Option(
        "--features <set>",
        "input features: recent returns, recent changes, or a textbook's set from prices and volumes (default: " +
          "returns; changes for --target change)",
      )
        .choices(FEATURE_SET_NAMES),
    )
    .option("--epochs <n>", "passes over the training data", integer(1), 20)
    .option("--batch-size <n>", "windows per batch", integer(1), 32)
    .addOption(optimizerNameOption)
    .addOption(allowRemoteOption)
    .addOption(
      new Option("--optimizer-option <key=value>", "an option of the optimizer; may be repeated")
        .argParser(optimizerOption).default({}, "none"),
    )
    .option("--validation <fraction>", "fraction of the windows that chooses the best epoch", between(0, 0.9), 0.15)
    .option("--season <steps>", "rows in a season, for the seasonal baseline (default: by the dates)", integer(1))
    .option("--seed <n>", "seed for the weights and for shuffling", seedFrom, 1)
    .addOption(threadsOption)
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
    .option("--window <steps>", "rows of history that the network sees", integer(1), 30)
    .option("--hidden <n>", "size of the hidden state", integer(1), 64)
    .option("--learning-rate <rate>", "initial learning rate; it decays along a cosine", between(0, Infinity), 1e-3);
}

/** A command that trains a given kind of network. */
export function networkCommand(name: string) {
  return sizedCommand(name).addOption(new Option("--model <name>", "the network").choices(MODELS).default(MODELS[0]));
}

/** Settings whose default depends on the data or on other settings. */
interface OpenSettings {
  readonly target: TargetName;
  readonly features?: FeatureSetName | undefined;
  readonly season?: number | undefined;
}

/** The same settings, decided. */
type Decided<T extends OpenSettings> = Omit<T, "features" | "season"> & {
  readonly features: FeatureSetName;
  readonly season: number;
};

/** The feature set of a run. */
function featuresFor({ target, features }: OpenSettings): FeatureSetName {
  if (target !== "change") return features ?? "returns";
  if (features === undefined || !FEATURE_SETS[features].positive) return "changes";
  throw new UsageError(`--target change works with --features changes, got ${features}, which need prices above 0`);
}

/**
 * Loads what a training command needs: the prices, the settings with defaults that suit them, a factory for the
 * optimizer, and OpenBLAS if requested.
 */
export async function prepareTraining<
  T extends DataOptions & OpenSettings & Pick<Chosen, "optimizer" | "optimizerOption"> & {
    readonly blas?: string | true | undefined;
    readonly allowRemoteOptimizer: boolean;
  },
>(options: T, { quiet = false } = {}): Promise<{
  prices: Prices;
  settings: Decided<Omit<T, keyof DataOptions | "blas" | "allowRemoteOptimizer">>;
  makeOptimizer: () => Promise<OptimizerPlugin>;
}> {
  const { data, settings: { blas, allowRemoteOptimizer: allowRemote, ...settings } } = separate(options);
  // Before a module is loaded, which ends the permission for it.
  if (blas !== undefined) tryBlas(blas, { quiet });
  const makeOptimizer = () => loadOptimizer(settings.optimizer, settings.optimizerOption, { allowRemote });
  // Fails on a bad optimizer before the prices are read.
  await makeOptimizer();
  const features = featuresFor(settings);
  const set = FEATURE_SETS[features];
  const positive = set.positive || targetOf(settings.target).positive;
  const prices = await readPrices(data, { need: set.columns, positive, quiet });
  const season = settings.season ?? usualSeason(prices.rhythm, prices.dates.length);
  return { prices, settings: { ...settings, features, season } as never, makeOptimizer };
}
