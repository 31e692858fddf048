import { stopOnSignals } from "@unfold/training";
import { integer, StoppedError } from "../../shared/cli.ts";
import { openResultLog } from "../../shared/result_log.ts";
import { table } from "../../shared/format.ts";
import { spreadOf } from "../backtest.ts";
import { COMPARED_MODELS } from "../forecaster.ts";
import { type Trial, tune as tuneTrials } from "../tune.ts";
import { percent } from "../wording.ts";
import { checkFractions, outOption, prepareTraining, seriesOf, testOption, trainingCommand } from "./options.ts";

const FILE = "tune.jsonl";
/** How many of the best are shown. */
const SHOWN = 10;

/** What a line of the file must be, where it is something else. */
function trialProblem({ trial, candidate, skills }: Trial, index: number, folds: number): string | undefined {
  const { model, hidden, window, learningRate } = Object(candidate) as Trial["candidate"];
  const isSound = trial === index + 1 && COMPARED_MODELS.includes(model) &&
    [hidden, window, learningRate].every(Number.isFinite) &&
    Array.isArray(skills) && skills.length === folds && skills.every(Number.isFinite);
  return isSound ? undefined : `trial ${index + 1}, with ${folds} skills`;
}

/** The options that `train` has too, as they were given. */
function sharedWithTrain(args: readonly string[]): string {
  const own = ["--trials", "--folds", "--fold-days", "--out"];
  const kept = args.filter((arg, i) => {
    const isOwn = (some: string | undefined) => own.some((name) => some === name || some?.startsWith(`${name}=`));
    return arg !== "tune" && arg !== "--resume" && arg !== "--json" && !isOwn(arg) && !own.includes(args[i - 1] ?? "");
  });
  return kept.map((arg) => ` ${/^[\w.,=:/@+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`}`).join("");
}

export const tune = trainingCommand("tune")
  .description("Search for cell, hidden size, window and learning rate, by folds that lie before the test part.")
  .addOption(outOption)
  .addOption(testOption)
  .option("--trials <n>", "how many candidates to try", integer(1), 20)
  .option("--folds <n>", "folds that each is judged by", integer(1), 3)
  .option("--fold-days <n>", "days in each", integer(2), 252)
  .option("--resume", "go on with a search that was stopped, or with more trials", false)
  .action(async ({ csv, columns, sort, out, json, blas, resume, ...settings }) => {
    checkFractions(settings);
    const { prices, makeOptimizer } = await prepareTraining({ csv, columns, sort, blas, ...settings });
    const { trials: _, ...fixed } = settings;
    const log = await openResultLog<Trial>({
      folder: out,
      name: FILE,
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
    if (log.entries.length < settings.trials) {
      throw new StoppedError("The same command with --resume goes on from here.", stop.exitCode!);
    }
    const ranked = log.entries.map((trial) => ({ ...trial, skill: spreadOf(trial.skills) }))
      .sort((a, b) => b.skill.mean - a.skill.mean);
    if (json) return console.log(JSON.stringify({ source: prices.file, settings, trials: ranked }, null, 2));
    const { model, hidden, window, learningRate } = ranked[0]!.candidate;
    console.log([
      `Written to ${out}: ${FILE}`,
      "",
      table(
        ["model", "hidden", "window", "learning rate", "skill", "spread", "trial"],
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
      `The best of many looks better than it is; the test part has not been looked at. To train it:`,
      `  train --model ${model} --hidden ${hidden} --window ${window} --learning-rate ${learningRate}` +
      sharedWithTrain(Deno.args),
    ].join("\n"));
  });
