import { stopOnSignals } from "@unfold/training";
import { HOW_TO_RESUME, integer, StoppedError } from "../../shared/cli.ts";
import { table } from "../../shared/format.ts";
import { openResultLog } from "../../shared/result_log.ts";
import { backtest as backtestFolds, BACKTEST_FILE, foldProblem, skillsOf, spreadOf } from "../backtest.ts";
import { COMPARED_MODELS } from "../forecaster.ts";
import { TARGETS } from "../targets.ts";
import { type Trial, tune as tuneTrials } from "../tune.ts";
import { foldTable, foldVerdict, percent } from "../wording.ts";
import {
  checkFractions,
  networkCommand,
  outOption,
  prepareTraining,
  seriesOf,
  testOption,
  trainingCommand,
} from "./options.ts";

export const backtest = networkCommand("backtest")
  .description("Back-test: for each fold, train a new model on everything before it and test it there.")
  .addOption(outOption)
  .option("--folds <n>", "number of folds", integer(1), 5)
  .option("--fold-days <n>", "days per fold", integer(2), 252)
  .option("--resume", "continue a stopped back-test", false)
  .action(async ({ csv, columns, sort, out, json, blas, resume, ...settings }) => {
    const { prices, makeOptimizer } = await prepareTraining({ csv, columns, sort, blas, ...settings });
    const log = await openResultLog({
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
      console.error(`fold ${log.entries.length}/${settings.folds}: ${fold.from} to ${fold.to}`);
    }
    const folds = log.entries;
    if (folds.length < settings.folds) throw new StoppedError(HOW_TO_RESUME, stop.exitCode!);
    if (json) {
      const result = { source: prices.file, settings, folds, skill: spreadOf(skillsOf(folds)) };
      return console.log(JSON.stringify(result, null, 2));
    }
    const { head, rows } = foldTable(settings.target, folds);
    const { target, horizon, model } = settings;
    console.log([
      `Written to ${out}: ${BACKTEST_FILE}`,
      "",
      `${prices.file}: ${TARGETS[target].title(horizon)}, ${model}, a new model for each fold.`,
      "",
      table(head, rows),
      "",
      foldVerdict(folds),
    ].join("\n"));
  });

const TUNE_FILE = "tune.jsonl";
/** The number of trials in the table, the best ones. */
const SHOWN = 10;

/** What a line of the file must be, if it is not; undefined if it is. */
function trialProblem({ trial, candidate, skills }: Trial, index: number, folds: number): string | undefined {
  const { model, hidden, window, learningRate } = Object(candidate) as Trial["candidate"];
  const isSound = trial === index + 1 && COMPARED_MODELS.includes(model) &&
    [hidden, window, learningRate].every(Number.isFinite) &&
    Array.isArray(skills) && skills.length === folds && skills.every(Number.isFinite);
  return isSound ? undefined : `trial ${index + 1} with the skills of ${folds} folds`;
}

/** The given options that `train` has too. */
function sharedWithTrain(args: readonly string[]): string {
  const own = ["--trials", "--folds", "--fold-days", "--out"];
  const kept = args.filter((arg, i) => {
    const isOwn = (some: string | undefined) => own.some((name) => some === name || some?.startsWith(`${name}=`));
    return arg !== "tune" && arg !== "--resume" && arg !== "--json" && !isOwn(arg) && !own.includes(args[i - 1] ?? "");
  });
  return kept.map((arg) => ` ${/^[\w.,=:/@+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`}`).join("");
}

export const tune = trainingCommand("tune")
  .description("Search for model, hidden size, window and learning rate by back-tests before the test part.")
  .addOption(outOption)
  .addOption(testOption)
  .option("--trials <n>", "number of candidates to try", integer(1), 20)
  .option("--folds <n>", "folds per candidate", integer(1), 3)
  .option("--fold-days <n>", "days per fold", integer(2), 252)
  .option("--resume", "continue a stopped search, or add trials to a finished one", false)
  .action(async ({ csv, columns, sort, out, json, blas, resume, ...settings }) => {
    checkFractions(settings);
    const { prices, makeOptimizer } = await prepareTraining({ csv, columns, sort, blas, ...settings });
    const { trials: _, ...fixed } = settings;
    const log = await openResultLog<Trial>({
      folder: out,
      name: TUNE_FILE,
      of: { search: { prices: await seriesOf(prices), ...fixed } },
      resume,
      problemOf: (trial, index) => trialProblem(trial, index, settings.folds),
    });
    using stop = stopOnSignals();
    const run = { done: log.entries.length, makeOptimizer, signal: stop.signal };
    for await (const trial of tuneTrials(prices, settings, run)) {
      await log.add(trial);
      const { candidate: { model, hidden, window, learningRate }, skills } = trial;
      console.error(
        `trial ${trial.trial}/${settings.trials}: ${model}, hidden ${hidden}, window ${window}, learning rate ` +
          `${learningRate}: skill ${percent(spreadOf(skills).mean, 2)}`,
      );
    }
    if (log.entries.length < settings.trials) throw new StoppedError(HOW_TO_RESUME, stop.exitCode!);
    const ranked = log.entries.map((trial) => ({ ...trial, skill: spreadOf(trial.skills) }))
      .sort((a, b) => b.skill.mean - a.skill.mean);
    if (json) return console.log(JSON.stringify({ source: prices.file, settings, trials: ranked }, null, 2));
    const { model, hidden, window, learningRate } = ranked[0]!.candidate;
    console.log([
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
      sharedWithTrain(Deno.args),
    ].join("\n"));
  });
