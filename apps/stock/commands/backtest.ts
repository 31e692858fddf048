import { stopOnSignals } from "@unfold/training";
import { integer, StoppedError } from "../../shared/cli.ts";
import { table } from "../../shared/table.ts";
import { prepareFolder, writeFiles } from "../../shared/write_files.ts";
import { backtest as backtestFolds, type FoldResult, skillsOf, spreadOf } from "../backtest.ts";
import { foldTable } from "../fold_table.ts";
import { MODEL, referenceOf } from "../judge.ts";
import { TARGETS } from "../targets.ts";
import { shortName } from "../wording.ts";
import { networkCommand, outOption, prepareTraining } from "./options.ts";

export const backtest = networkCommand("backtest")
  .description("Test on one stretch of days after the other, trained anew on all that comes before each.")
  .addOption(outOption)
  .option("--folds <n>", "stretches of days", integer(1), 5)
  .option("--fold-days <n>", "days in each", integer(2), 252)
  .action(async ({ csv, columns, sort, out, json, blas, ...settings }) => {
    const { prices, makeOptimizer } = await prepareTraining({ csv, columns, sort, blas, ...settings });
    using stop = stopOnSignals();
    const folds: FoldResult[] = [];
    for await (const fold of backtestFolds(prices, settings, { makeOptimizer, signal: stop.signal })) {
      folds.push(fold);
      console.error(`fold ${folds.length}/${settings.folds}: ${fold.from} to ${fold.to}`);
    }
    if (folds.length < settings.folds) throw new StoppedError("Nothing was written.", stop.exitCode!);
    const result = { source: prices.file, settings, folds, skill: spreadOf(skillsOf(folds)) };
    await prepareFolder(out);
    await writeFiles(out, { "backtest.json": `${JSON.stringify(result, null, 2)}\n` });
    if (json) return console.log(JSON.stringify(result, null, 2));
    const { head, rows } = foldTable(folds);
    const better = folds.filter(({ scores }) => scores[MODEL]!.skill > 0).length;
    const reference = shortName(folds[0]!.labels, referenceOf(folds[0]!.scores));
    console.log([
      `Written to ${out}: backtest.json`,
      "",
      `${prices.file}: ${
        TARGETS[settings.target].title(settings.horizon)
      }, ${settings.model}, trained anew for each fold.`,
      "",
      table(head, rows),
      "",
      `The model beats ${reference} in ${better} of ${folds.length} folds.`,
    ].join("\n"));
  });
