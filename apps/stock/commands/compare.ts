import { stopOnSignals } from "@unfold/training";
import { integer, StoppedError } from "../../shared/cli.ts";
import { formatNumber } from "../../shared/format_number.ts";
import { table } from "../../shared/table.ts";
import { spreadOf } from "../backtest.ts";
import { MODELS } from "../forecaster.ts";
import { MODEL, referenceOf, type Score } from "../judge.ts";
import { cutOf, splitWindows } from "../split.ts";
import { TARGETS } from "../targets.ts";
import { prepare, trainForecaster, type TrainResult } from "../train.ts";
import { percent, shortName, SIGNIFICANT } from "../wording.ts";
import { checkFractions, prepareTraining, sizedCommand, testOption } from "./options.ts";

export const compare = sizedCommand("compare")
  .description("Train every model with several seeds and put mean and spread beside the baselines.")
  .addOption(testOption)
  .option("--seeds <n>", "how many seeds, from --seed on", integer(1), 5)
  .action(async ({ csv, columns, sort, json, blas, seeds, ...settings }) => {
    checkFractions(settings);
    const { prices, makeOptimizer } = await prepareTraining({ csv, columns, sort, blas, ...settings });
    const split = splitWindows(prices, cutOf(settings), settings);
    using stop = stopOnSignals();
    let last: TrainResult | undefined;
    const models: { model: string; seeds: { seed: number; score: Score; comparisons: Record<string, number> }[] }[] =
      [];
    for (const model of MODELS) {
      const runs = [];
      for (let seed = settings.seed; seed < settings.seed + seeds; seed++) {
        const chosen = { ...settings, model, seed };
        const run = { optimizer: await makeOptimizer(), signal: stop.signal };
        last = await trainForecaster(prices, prepare(prices, chosen, split), chosen, run);
        if (last === undefined) throw new StoppedError("Nothing was written.", stop.exitCode!);
        const { [MODEL]: score, ...others } = last.scores;
        const comparisons = Object.fromEntries(
          Object.entries(others).map(([name, { comparison }]) => [name, comparison?.pValue ?? 1]),
        );
        runs.push({ seed, score: score!, comparisons });
        console.error(`${model}, seed ${seed}: skill ${percent(score!.skill, 2)}`);
      }
      models.push({ model, seeds: runs });
    }
    const { scores, labels, test } = last!;
    const { [MODEL]: _, ...baselines } = scores;
    const reference = referenceOf(scores);
    if (json) return console.log(JSON.stringify({ source: prices.file, settings, models, baselines }, null, 2));
    const both = (values: number[], format: (value: number) => string) => {
      const { mean, deviation } = spreadOf(values);
      return Number.isNaN(deviation) ? format(mean) : `${format(mean)} ± ${format(Number(deviation.toPrecision(2)))}`;
    };
    const row = (score: Score) => [formatNumber(score.mse), formatNumber(score.mae), percent(score.skill, 2), ""];
    console.log([
      `${prices.file}: ${test.dates.length} test days from ${test.dates[0]}; ${seeds} seeds from ${settings.seed} on.`,
      "",
      table(
        [
          TARGETS[settings.target].title(settings.horizon),
          "MSE",
          "MAE",
          `skill vs ${shortName(labels, reference)}`,
          `better, p < ${SIGNIFICANT}`,
        ],
        [
          ...models.map(({ model, seeds: runs }) => [
            model,
            both(runs.map(({ score }) => score.mse), formatNumber),
            both(runs.map(({ score }) => score.mae), formatNumber),
            both(runs.map(({ score }) => score.skill), (value) => percent(value, 2)),
            `${
              runs.filter(({ score, comparisons }) => score.skill > 0 && comparisons[reference]! < SIGNIFICANT).length
            } of ${runs.length}`,
          ]),
          ...Object.entries(baselines).map(([name, score]) => [labels[name]!, ...row(score)]),
        ],
      ),
    ].join("\n"));
  });
