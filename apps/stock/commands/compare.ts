import { stopOnSignals } from "@unfold/training";
import { integer, StoppedError } from "../../shared/cli.ts";
import { formatNumber, percent, table } from "../../shared/format.ts";
import { print, say } from "../../shared/printable.ts";
import { spreadOf } from "../../shared/search.ts";
import { COMPARED_MODELS } from "../forecaster.ts";
import { MODEL, referenceOf, type Score } from "../judge.ts";
import { cutOf, splitWindows } from "../split.ts";
import { stepsOf } from "../rhythm.ts";
import { targetOf } from "../targets.ts";
import { startThreads } from "../../shared/threads.ts";
import { prepare, trainForecaster, type TrainResult } from "../train.ts";
import { errorName, isBetter, nameInText, percentSpread, shortName, SIGNIFICANT } from "../wording.ts";
import { checkFractions, prepareTraining, sizedCommand, testOption } from "./options.ts";

export const compare = sizedCommand("compare")
  .description("Train every model with several seeds and compare mean and standard deviation with the baselines.")
  .addOption(testOption)
  .option("--seeds <n>", "number of seeds, starting at --seed", integer(1, 1000), 5)
  .action(async ({ json, seeds, threads, ...options }) => {
    checkFractions(options);
    await startThreads(threads);
    const { prices, settings, makeOptimizer } = await prepareTraining(options);
    const split = splitWindows(prices, cutOf(settings), settings);
    using stop = stopOnSignals();
    let last: TrainResult | undefined;
    const models: { model: string; seeds: { seed: number; scores: Readonly<Record<string, Score>> }[] }[] = [];
    for (const model of COMPARED_MODELS) {
      const runs = [];
      for (let seed = settings.seed; seed < settings.seed + seeds; seed++) {
        const chosen = { ...settings, model, seed };
        const run = { optimizer: await makeOptimizer(), signal: stop.signal };
        last = await trainForecaster(prices, prepare(prices, chosen, split), chosen, run);
        if (last === undefined) throw new StoppedError("Stopped; there is nothing to resume.", stop.exitCode!);
        const { scores } = last;
        runs.push({ seed, scores });
        say(`${model}, seed ${seed}: skill ${percent(scores[MODEL]!.skill, 2)}`);
      }
      models.push({ model, seeds: runs });
    }
    if (json) return print(JSON.stringify({ source: prices.file, settings, models }, null, 2));
    const { scores, labels, test } = last!;
    const { [MODEL]: _, ...baselines } = scores;
    const seedRange = seeds === 1 ? `seed ${settings.seed}` : `seeds ${settings.seed} to ${settings.seed + seeds - 1}`;
    const reference = shortName(labels, referenceOf(scores));
    const name = nameInText(labels, referenceOf(scores));
    const both = (values: number[]) => {
      const { mean, deviation } = spreadOf(values);
      return formatNumber(mean) +
        (deviation === undefined ? "" : ` ± ${formatNumber(Number(deviation.toPrecision(2)))}`);
    };
    const significant = models.map(({ model, seeds: runs }) => ({
      model,
      count: runs.filter(({ scores }) => isBetter(scores)).length,
    }));
    const better = significant.filter(({ count }) => count > 0);
    const counts = better.map(({ model, count }) => `${model} with ${count} of ${seeds} seeds`);
    print([
      `${prices.file}: tested on ${stepsOf(prices.rhythm, test.dates.length)} from ${test.dates[0]}; ${seedRange}.`,
      "",
      table(
        [
          targetOf(settings.target, prices.rhythm).title(settings.horizon),
          errorName(settings.target),
          "MAE",
          `skill vs ${reference}`,
          `better, p < ${SIGNIFICANT}`,
        ],
        [
          ...models.map(({ model, seeds: runs }, i) => {
            const all = runs.map(({ scores }) => scores[MODEL]!);
            return [
              model,
              both(all.map(({ mse }) => mse)),
              both(all.map(({ mae }) => mae)),
              percentSpread(spreadOf(all.map(({ skill }) => skill))),
              `${significant[i]!.count} of ${runs.length}`,
            ];
          }),
          ...Object.entries(baselines).map(([name, { mse, mae, skill }]) => [
            labels[name]!,
            formatNumber(mse),
            formatNumber(mae),
            percent(skill, 2),
            "",
          ]),
        ],
      ),
      "",
      better.length === 0
        ? `No model is significantly better than ${name}.`
        : `Significantly better than ${name}: ${counts.join(", ")}.`,
    ].join("\n"));
  });
