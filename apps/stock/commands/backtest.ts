import { stopOnSignals } from "@unfold/training";
import { integer, StoppedError } from "../../shared/cli.ts";
import { table } from "../../shared/format.ts";
import { openResultLog } from "../../shared/result_log.ts";
import { backtest as backtestFolds, BACKTEST_FILE, foldProblem, skillsOf, spreadOf } from "../backtest.ts";
import { TARGETS } from "../targets.ts";
import { foldTable, foldVerdict } from "../wording.ts";
import { networkCommand, outOption, prepareTraining, seriesOf } from "./options.ts";

export const backtest = networkCommand("backtest")
  .description("Test on one stretch of days after the other, trained anew on all that comes before each.")
  .addOption(outOption)
  .option("--folds <n>", "stretches of days", integer(1), 5)
  .option("--fold-days <n>", "days in each", integer(2), 252)
  .option("--resume", "go on with one that was stopped", false)
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
    if (folds.length < settings.folds) {
      throw new StoppedError("The same command with --resume goes on from here.", stop.exitCode!);
    }
    if (json) {
      const result = { source: prices.file, settings, folds, skill: spreadOf(skillsOf(folds)) };
      return console.log(JSON.stringify(result, null, 2));
    }
    const { head, rows } = foldTable(settings.target, folds);
    const { target, horizon, model } = settings;
    console.log([
      `Written to ${out}: ${BACKTEST_FILE}`,
      "",
      `${prices.file}: ${TARGETS[target].title(horizon)}, ${model}, trained anew for each fold.`,
      "",
      table(head, rows),
      "",
      foldVerdict(folds),
    ].join("\n"));
  });
