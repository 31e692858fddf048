import { HOW_TO_RESUME, integer, StoppedError } from "../../shared/cli.ts";
import { formatNumber, table } from "../../shared/format.ts";
import { args } from "../../shared/host.ts";
import { print, say } from "../../shared/printable.ts";
import { openResultLog } from "../../shared/result_log.ts";
import { spreadOf } from "../../shared/search.ts";
import { withoutOptions } from "../../shared/shell.ts";
import { startThreads } from "../../shared/threads.ts";
import { backtest as backtestFolds, BACKTEST_FILE, foldProblem, type FoldResult } from "../backtest.ts";
import { LABELS } from "../methods.ts";
import { foldTable, foldVerdict } from "../report.ts";
import { type Trial, trialProblem, tune as tuneTrials, TUNE_FILE } from "../tune.ts";
import { loadSeries, rhythmOf } from "./data.ts";
import { comparingCommand, identityOf, networkCommand, outOption, settingsOf } from "./options.ts";

/** Passes stops on, with how to go on. */
async function* resumable<T>(results: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  try {
    yield* results;
  } catch (error) {
    throw error instanceof StoppedError ? new StoppedError(HOW_TO_RESUME, error.exitCode) : error;
  }
}

export const backtest = networkCommand("backtest")
  .description("Back-test: for each fold, train new networks on everything before it and compare all candidates there.")
  .addOption(outOption)
  .option("--resume", "continue a stopped back-test", false)
  .action(async ({ out, json, resume, threads, ...options }) => {
    const set = await loadSeries(options);
    if (options.network) await startThreads(threads);
    const settings = { ...settingsOf(options), ...rhythmOf(set, options) };
    using log = await openResultLog<FoldResult>({
      folder: out,
      name: BACKTEST_FILE,
      of: { backtest: { series: await identityOf(set), ...settings } },
      resume,
      problemOf: foldProblem,
    });
    for await (const fold of resumable(backtestFolds(set, settings, log.entries.length))) {
      await log.add(fold);
      say(`fold ${fold.fold}/${settings.folds}, ${fold.from} to ${fold.to}: ${LABELS[fold.best]}`);
    }
    const folds = log.entries;
    if (json) return void print(JSON.stringify({ source: set.file, settings, folds }, null, 2));
    const { head, rows } = foldTable(folds);
    print([`Written to ${out}: ${BACKTEST_FILE}`, "", table(head, rows), "", foldVerdict(folds)].join("\n"));
  });

/** The number of trials in the table, the best ones. */
const SHOWN = 10;
/** What `tune` takes of the command line and `train` does not. */
const OWN = { options: ["--trials", "--steps", "--out"], words: ["tune", "--resume", "--json"] };

export const tune = comparingCommand("tune")
  .description(
    "Search for the network's cell, size, dropout, batches and learning rate by rolling origins before the last horizon.",
  )
  .addOption(outOption)
  .option("--trials <n>", "number of candidates to try", integer(1), 12)
  .option("--resume", "continue a stopped search, or add trials to a finished one", false)
  .action(async ({ out, json, resume, threads, steps: _, ...options }) => {
    const set = await loadSeries(options);
    await startThreads(threads);
    const settings = { ...settingsOf(options), ...rhythmOf(set, options) };
    const { trials: count, ...fixed } = settings;
    using log = await openResultLog<Trial>({
      folder: out,
      name: TUNE_FILE,
      of: { search: { series: await identityOf(set), ...fixed } },
      resume,
      problemOf: (entry, before) => trialProblem(entry, before.length, settings.seed),
    });
    for await (const one of resumable(tuneTrials(set, settings, log.entries.length))) {
      await log.add(one);
      const { trial, candidate: { cell, hidden, dropout, steps, learningRate }, mase } = one;
      const what = `${cell}, hidden ${hidden}, dropout ${dropout}, ${steps} steps, learning rate ${learningRate}`;
      say(`trial ${trial}/${count}: ${what}: MASE ${formatNumber(mase)}`);
    }
    const ranked = log.entries.toSorted((a, b) => a.mase - b.mase);
    if (json) return void print(JSON.stringify({ source: set.file, settings, trials: ranked }, null, 2));
    const { cell, hidden, dropout, steps, learningRate } = ranked[0]!.candidate;
    const { mean } = spreadOf(ranked.map(({ mase }) => mase));
    print([
      `Written to ${out}: ${TUNE_FILE}`,
      "",
      table(
        ["cell", "hidden", "dropout", "steps", "learning rate", "MASE", "WQL", "trial"],
        ranked.slice(0, SHOWN).map(({ trial, candidate, mase, wql }) => [
          candidate.cell,
          String(candidate.hidden),
          String(candidate.dropout),
          String(candidate.steps),
          String(candidate.learningRate),
          formatNumber(mase),
          formatNumber(wql),
          String(trial),
        ]),
      ),
      "",
      `The mean MASE of all ${ranked.length} is ${
        formatNumber(mean)
      }. The best of many trials looks better than it is; the ` +
      "last horizon is still unused. To train it:",
      `  train --cell ${cell} --hidden ${hidden} --dropout ${dropout} --steps ${steps} --learning-rate ${learningRate}` +
      withoutOptions(args, OWN),
    ].join("\n"));
  });
