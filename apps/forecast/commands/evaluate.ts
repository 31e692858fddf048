import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { type CellName, CELLS } from "../../shared/choices.ts";
import { stopOnSignals } from "@unfold/training";
import { between, from, integer, seedFrom, StoppedError, UsageError } from "../../shared/cli.ts";
import { table } from "../../shared/format.ts";
import { print, quoted, say } from "../../shared/printable.ts";
import { startThreads, threadsOption } from "../../shared/threads.ts";
import { type Errors, errorsIn, originsIn, type Splits, standardised } from "../evaluation.ts";
import { type GlobalModel, trainGlobal, trainingProgress } from "../global_model.ts";
import { setLine } from "../report.ts";
import { findSeason } from "../season.ts";
import { dataCommand, loadSeries, seasonOption } from "./data.ts";

/** Parses `8640,2880,2880`. */
function parseSplits(text: string): Splits {
  const parts = text.split(",").map(Number);
  const [training, validation, test] = parts;
  if (parts.length === 3 && parts.every((part) => Number.isSafeInteger(part) && part >= 1)) {
    return { training: training!, validation: validation!, test: test! };
  }
  throw new InvalidArgumentError("It must be three numbers of steps: training, validation and test part.");
}

/** Parses `96` or `96,336`. */
function parsePasts(text: string): number[] {
  const pasts = text.split(",").map(Number);
  if (pasts.every((past) => Number.isSafeInteger(past) && past >= 1 && past <= 100_000)) return pasts;
  throw new InvalidArgumentError("It must be an integer of 1 or more, or several with commas.");
}

/** Validation windows that choose the weights, at most. */
const MOST_WINDOWS = 2000;

export const evaluate = dataCommand("evaluate")
  .description(
    "Measure the network on a benchmark's splits: series of equal length, each scaled by its training part, forecast from " +
      "every step of the test part.",
  )
  .requiredOption(
    "--splits <training,validation,test>",
    "steps in the three parts, such as 8640,2880,2880",
    parseSplits,
  )
  .requiredOption("--horizon <steps>", "steps ahead to forecast", integer(1, 10_000))
  .requiredOption("--past <steps>", "steps that the network sees; of several, the validation part chooses", parsePasts)
  .addOption(seasonOption)
  .option("--segment <steps>", "steps that the network takes at once (default: a season)", integer(1, 10_000))
  .addOption(new Option("--cell <name>", "the network's recurrent layer").choices(CELLS).default("gru" as CellName))
  .option("--hidden <n>", "size of the hidden state", integer(1, 4096), 256)
  .option("--dropout <rate>", "share of features that are dropped while training", from(0, 1), 0.5)
  .option("--steps <n>", "batches to train on", integer(1, 1_000_000), 1000)
  .option("--batch-size <n>", "windows in a batch", integer(1, 100_000), 256)
  .option("--learning-rate <rate>", "initial learning rate; it decays along a cosine", between(0, Infinity), 1e-3)
  .option("--seeds <n>", "networks that are trained from different weights and averaged", integer(1, 100), 1)
  .option("--seed <n>", "the first seed", seedFrom, 1)
  .addOption(threadsOption)
  .action(async ({ json, threads, splits, horizon, past: pasts, segment: wanted, ...options }) => {
    const set = await loadSeries(options);
    const { training, validation, test } = splits;
    const all = training + validation + test;
    const short = set.series.find(({ values }) => values.length < all);
    if (short !== undefined) {
      throw new UsageError(
        `Cannot evaluate ${set.file}: ${quoted(short.id)} must have the ${all} values of all splits, got ` +
          `${short.values.length}; shorten --splits`,
      );
    }
    if (Math.min(validation, test) < horizon) {
      throw new UsageError(
        `Cannot evaluate: the validation and the test part must have at least the ${horizon} steps of the horizon, got ` +
          `${validation} and ${test}; shorten --horizon, or enlarge --splits`,
      );
    }
    const series = set.series.map(({ id, values }) => ({
      id,
      values: standardised(values.subarray(0, all), training),
    }));
    const season = options.season ??
      findSeason(series.map(({ values }) => values.subarray(0, training)), set.frequency);
    const segment = wanted ?? (season > 1 ? season : horizon);
    const source = { series: series.map(({ values }) => values), ends: series.map(() => training) };
    await startThreads(threads);
    using stop = stopOnSignals();
    const parts = {
      validation: { from: training, to: training + validation },
      test: { from: training + validation, to: all },
    };
    const results: { past: number; models: GlobalModel[]; validation: Errors }[] = [];
    for (const past of pasts) {
      if (past % segment > 0) {
        throw new UsageError(
          `Cannot evaluate: --past must be a multiple of the segment of ${segment} steps, got ${past}`,
        );
      }
      const sizes = { segment, past: past / segment, ahead: Math.ceil(horizon / segment) };
      const stride = Math.ceil(validation * series.length / MOST_WINDOWS);
      const origins = source.series.flatMap((_, at) =>
        originsIn(parts.validation, horizon, stride).map((end) => ({ series: at, end }))
      );
      const models: GlobalModel[] = [];
      for (let i = 0; i < options.seeds; i++) {
        say(
          `training with ${past} steps of the past${options.seeds > 1 ? `, network ${i + 1} of ${options.seeds}` : ""}`,
        );
        const trained = await trainGlobal(
          source,
          {
            horizon,
            season,
            scale: "linear",
            scaling: "last",
            frequency: `${set.frequency.every} ${set.frequency.unit}`,
            ids: series.map(({ id }) => id),
          },
          { ...options, cell: options.cell as CellName, seed: options.seed + i },
          {
            signal: stop.signal,
            others: pasts.length * options.seeds - 1,
            sizes,
            validation: origins,
            onEvent: trainingProgress(options),
          },
        );
        if (trained === undefined) throw new StoppedError("stopped before the end", stop.exitCode!);
        models.push(trained.model);
      }
      results.push({ past, models, validation: errorsIn(models, series, { ...parts.validation, stride: 4 }) });
    }
    const best = results.reduce((a, b) => b.validation.mse < a.validation.mse ? b : a);
    const tested = errorsIn(best.models, series, parts.test);
    if (json) {
      const { csv: _, ...settings } = options;
      const found = results.map(({ past, validation }) => ({ past, validation }));
      print(JSON.stringify(
        { source: set.file, splits, horizon, segment, season, settings, results: found, past: best.past, test: tested },
        null,
        2,
      ));
      return;
    }
    print([
      setLine(set, season),
      "",
      table(
        ["past", "validation MSE", "MAE"],
        results.map(({ past, validation: { mse, mae } }) => [`${past}`, mse.toFixed(4), mae.toFixed(4)]),
      ),
      "",
      `Test part, ${horizon} steps ahead from ${tested.origins} origins of ${series.length} series with ${best.past} steps of the ` +
      `past: MSE ${tested.mse.toFixed(4)}, MAE ${tested.mae.toFixed(4)}.`,
    ].join("\n"));
  });
