import { stopOnSignals } from "@unfold/training";
import { HOW_TO_RESUME, integer, StoppedError } from "../../shared/cli.ts";
import { startThreads } from "../../shared/threads.ts";
import { percent, table } from "../../shared/format.ts";
import { args } from "../../shared/host.ts";
import { print, say } from "../../shared/printable.ts";
import { openResultLog } from "../../shared/result_log.ts";
import { spreadOf } from "../../shared/search.ts";
import { exactly, finite, listOf, recordOf, sameAs } from "../../shared/shapes.ts";
import { withoutOptions } from "../../shared/shell.ts";
import { backtest as backtestFolds, BACKTEST_FILE, foldProblem, skillsOf } from "../backtest.ts";
import { targetOf } from "../targets.ts";
import { candidates, type Trial, tune as tuneTrials } from "../tune.ts";
import { foldTable, foldVerdict } from "../wording.ts";
import { checkFractions, networkCommand, outOption, prepareTraining, testOption, trainingCommand } from "./options.ts";
import { seriesOf } from "./data.ts";

export const backtest = networkCommand("backtest")
  .description("Back-test: for each fold, train a new model on everything before it and test it there.")
  .addOption(outOption)
  .option("--folds <n>", "number of folds", integer(1), 5)
  .option("--fold-days <n>", "rows per fold", integer(2), 252)
  .option("--resume", "continue a stopped back-test", false)
  .action(async ({ out, json, resume, threads, ...options }) => {
    await startThreads(threads);
    const { prices, settings, makeOptimizer } = await prepareTraining(options);
    using log = await openResultLog({
      folder: out,
      name: BACKTEST_FILE,
      of: { backtest: { prices: await seriesOf(prices), ...settings } },
      resume,
      problemOf: foldProblem,
    });
    using stop = stopOnSignals();
    const run = { makeOptimizer, signal: stop.signal, done: log.entries.length };
    for await (const fold of backtestFolds(prices, settings, run)) {
      await log.add(fold);
      say(`fold ${log.entries.length}/${settings.folds}: ${fold.from} to ${fold.to}`);
    }
    const folds = log.entries;
    if (folds.length < settings.folds) throw new StoppedError(HOW_TO_RESUME, stop.exitCode!);
    if (json) {
      const result = { source: prices.file, settings, folds, skill: spreadOf(skillsOf(folds)) };
      return print(JSON.stringify(result, null, 2));
    }
    const { head, rows } = foldTable(settings.target, folds);
    const { target, horizon, model } = settings;
    print([
      `Written to ${out}: ${BACKTEST_FILE}`,
      "",
      `${prices.file}: ${targetOf(target, prices.rhythm).title(horizon)}, ${model}, a new model for each fold.`,
      "",
      table(head, rows),
      "",
      foldVerdict(folds),
    ].join("\n"));
  });

const TUNE_FILE = "tune.jsonl";
/** The number of trials in the table, the best ones. */
const SHOWN = 10;

/** What is wrong with a line of the file: trials come in order, each with the candidate that the seed gives. */
function trialProblem(entry: unknown, index: number, { seed, folds }: { seed: number; folds: number }) {
  const wanted = candidates(seed).drop(index).next().value!;
  return recordOf({ trial: exactly(index + 1), candidate: sameAs(wanted), skills: listOf(finite, folds) })(entry, "");
}

/** What `tune` takes of the command line and `train` does not. */
const OWN = { options: ["--trials", "--folds", "--fold-days", "--out"], words: ["tune", "--resume", "--json"] };

export const tune = trainingCommand("tune")
  .description("Search for model, hidden size, window and learning rate by back-tests before the test part.")
  .addOption(outOption)
  .addOption(testOption)
  .option("--trials <n>", "number of candidates to try", integer(1), 20)
  .option("--folds <n>", "folds per candidate", integer(1), 3)
  .option("--fold-days <n>", "rows per fold", integer(2), 252)
  .option("--resume", "continue a stopped search, or add trials to a finished one", false)
  .action(async ({ out, json, resume, threads, ...options }) => {
    checkFractions(options);
    await startThreads(threads);
    const { prices, settings, makeOptimizer } = await prepareTraining(options);
    const { trials: _, ...fixed } = settings;
    using log = await openResultLog<Trial>({
      folder: out,
      name: TUNE_FILE,
      of: { search: { prices: await seriesOf(prices), ...fixed } },
      resume,
      problemOf: (entry, before) => trialProblem(entry, before.length, settings),
    });
    using stop = stopOnSignals();
    const run = { done: log.entries.length, makeOptimizer, signal: stop.signal };
    for await (const trial of tuneTrials(prices, settings, run)) {
      await log.add(trial);
      const { candidate: { model, hidden, window, learningRate }, skills } = trial;
      say(
        `trial ${trial.trial}/${settings.trials}: ${model}, hidden ${hidden}, window ${window}, learning rate ` +
          `${learningRate}: skill ${percent(spreadOf(skills).mean, 2)}`,
      );
    }
    if (log.entries.length < settings.trials) throw new StoppedError(HOW_TO_RESUME, stop.exitCode!);
    const ranked = log.entries.map((trial) => ({ ...trial, skill: spreadOf(trial.skills) }))
      .sort((a, b) => b.skill.mean - a.skill.mean);
    if (json) return print(JSON.stringify({ source: prices.file, settings, trials: ranked }, null, 2));
    const { model, hidden, window, learningRate } = ranked[0]!.candidate;
    print([
      `Written to ${out}: ${TUNE_FILE}`,
      "",
      table(
        ["model", "hidden", "window", "learning rate", "skill", "std. dev.", "trial"],
        ranked.slice(0, SHOWN).map(({ trial, candidate, skill: { mean, deviation } }) => [
          candidate.model,
          String(candidate.hidden),
          String(candidate.window),
          String(candidate.learningRate),
          percent(mean, 2),
          deviation === undefined ? "" : percent(deviation, 2),
          String(trial),
        ]),
      ),
      "",
      "The best of many trials looks better than it is; the test part is still unused. To train it:",
      `  train --model ${model} --hidden ${hidden} --window ${window} --learning-rate ${learningRate}` +
      withoutOptions(args, OWN),
    ].join("\n"));
  });
