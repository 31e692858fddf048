import { stopOnSignals } from "@unfold/training";
import { integer, StoppedError, UsageError } from "../../shared/cli.ts";
import { readTextFile } from "../../shared/read_file.ts";
import { table } from "../../shared/table.ts";
import { prepareFolder, writeFiles } from "../../shared/write_files.ts";
import { type Trial, tune as tuneTrials } from "../tune.ts";
import { percent } from "../wording.ts";
import { checkFractions, outOption, prepareTraining, seriesOf, testOption, trainingCommand } from "./options.ts";

/** The results: a line that says what was searched, then a line a trial. */
const FILE = "tune.jsonl";
/** How many of the best are shown. */
const SHOWN = 10;

/** Reads the trials of a search that was stopped. */
async function readTrials(path: string, search: string): Promise<Trial[]> {
  const [head, ...lines] = (await readTextFile(path)).trimEnd().split("\n");
  const describe = (text: string | undefined) => (text ?? "").slice(0, 2000);
  if (head !== search) {
    throw new Error(
      `Cannot go on with ${path}: it must be of the same search, ${describe(search)}, got ${describe(head)}`,
    );
  }
  return lines.map((line, i) => {
    try {
      const trial = JSON.parse(line) as Trial;
      if (trial.trial === i + 1 && trial.skills.every(Number.isFinite)) return trial;
    } catch {
      // Said below.
    }
    throw new Error(`Cannot go on with ${path}: line ${i + 2} must be trial ${i + 1}, got ${line.slice(0, 80)}`);
  });
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
    const path = `${out}/${FILE}`;
    const { trials: _, ...fixed } = settings;
    const search = JSON.stringify({ search: { prices: seriesOf(prices), ...fixed } });
    const isThere = await Deno.stat(path).then(() => true, () => false);
    if (isThere && !resume) {
      throw new UsageError(`${path} is there already: --resume goes on with it, --out names another folder`);
    }
    const trials = isThere ? await readTrials(path, search) : [];
    await prepareFolder(out);
    using stop = stopOnSignals();
    const run = { done: trials.length, makeOptimizer, signal: stop.signal };
    for await (const trial of tuneTrials(prices, settings, run)) {
      trials.push(trial);
      await writeFiles(out, { [FILE]: [search, ...trials.map((one) => JSON.stringify(one))].join("\n") + "\n" });
      const { candidate: { model, hidden, window, learningRate }, skill } = trial;
      console.error(
        `trial ${trial.trial}/${settings.trials}: ${model}, hidden ${hidden}, window ${window}, learning rate ` +
          `${learningRate}: skill ${percent(skill.mean, 2)}`,
      );
    }
    if (trials.length < settings.trials) {
      throw new StoppedError("The same command with --resume goes on from here.", stop.exitCode!);
    }
    const ranked = trials.toSorted((a, b) => b.skill.mean - a.skill.mean);
    if (json) return console.log(JSON.stringify({ source: prices.file, settings, trials: ranked }, null, 2));
    const { model, hidden, window, learningRate } = ranked[0]!.candidate;
    console.log([
      `Written to ${out}: ${FILE}`,
      "",
      table(
        ["model", "hidden", "window", "learning rate", "skill", "spread", "trial"],
        ranked.slice(0, SHOWN).map(({ trial, candidate, skill }) => [
          candidate.model,
          String(candidate.hidden),
          String(candidate.window),
          String(candidate.learningRate),
          percent(skill.mean, 2),
          Number.isNaN(skill.deviation) ? "" : percent(skill.deviation, 2),
          String(trial),
        ]),
      ),
      "",
      `The best of many looks better than it is; the test part has not been looked at. To train it:`,
      `  train --model ${model} --hidden ${hidden} --window ${window} --learning-rate ${learningRate}`,
    ].join("\n"));
  });
