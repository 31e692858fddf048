import { Checkpoints, progressBar, stopOnSignals } from "@unfold/training";
import { sayIfNew } from "../../shared/cli.ts";
import { prepareFolder, writeFiles } from "../../shared/files.ts";
import { table } from "../../shared/format.ts";
import { distributedOption, onRanks, stoppedOn, workersOption } from "../../shared/ranks.ts";
import { referenceOf } from "../judge.ts";
import { cutOf, splitWindows } from "../split.ts";
import { encodeForecasts, type Summary, summaryOf } from "../summary.ts";
import { prepare, trainForecaster } from "../train.ts";
import { directionLine, outlookLines, percent, scoreHead, scoreRow, shortName, titleOf, verdict } from "../wording.ts";
import { checkFractions, networkCommand, outOption, prepareTraining, seriesOf, testOption } from "./options.ts";

function report(summary: Summary): string {
  const { data, windows, test, labels, scores, direction, interval, next, settings: { target, horizon } } = summary;
  const head = scoreHead(target, horizon, shortName(labels, referenceOf(scores)));
  return [
    `${data.source}: ${data.rows} days, ${data.from} to ${data.to}; tested on ${windows.test} days from ${test.from}.`,
    "",
    table(head, Object.entries(scores).map(([name, score]) => scoreRow(labels[name]!, score))),
    "",
    ...(direction === undefined ? [] : [directionLine(target, direction)]),
    ...(interval === undefined
      ? []
      : [`The ${percent(interval.coverage, 0)} interval held what happened on ${percent(interval.held)} of the days.`]),
    outlookLines(next),
    "",
    verdict(target, scores, labels),
  ].join("\n");
}

export const train = networkCommand("train")
  .description("Train on a series of daily prices and test on its last part.")
  .addOption(outOption)
  .addOption(testOption)
  .option("--resume", "go on with a run that was stopped", false)
  .addOption(workersOption)
  .addOption(distributedOption)
  .action(onRanks(async ({ csv, columns, sort, out, json, blas, resume, ...settings }, communicator) => {
    const isFirst = communicator.rank === 0;
    checkFractions(settings);
    const { prices, makeOptimizer } = await prepareTraining({ csv, columns, sort, blas, quiet: !isFirst, ...settings });
    const prepared = prepare(prices, settings, splitWindows(prices, cutOf(settings), settings));
    await prepareFolder(out);
    const { from, to } = prepared.split.train;
    const folder = `${out}/checkpoints`;
    if (resume && isFirst) await sayIfNew(folder);
    using stop = stopOnSignals();
    const result = await trainForecaster(prices, prepared, settings, {
      optimizer: await makeOptimizer(),
      onEvent: isFirst ? progressBar({ epochs: settings.epochs, samples: to - from }) : () => {},
      folder,
      config: { ...settings, prices: await seriesOf(prices) },
      resume,
      signal: stop.signal,
      communicator,
    });
    if (result === undefined) {
      throw stoppedOn(communicator, "The same command with --resume goes on from here.", stop.exitCode);
    }
    if (!isFirst) return;
    const summary = summaryOf(prices, settings, result);
    const [{ forecastChart }, { toPng }] = await Promise.all([
      import("../charts.ts"),
      import("../../shared/charts.ts"),
    ]);
    const svg = await forecastChart(result.test, { ...settings, next: summary.next, title: titleOf(summary) });
    await writeFiles(out, {
      "model.safetensors": result.forecaster.encode(),
      "metrics.json": `${JSON.stringify(summary, null, 2)}\n`,
      "forecasts.csv": encodeForecasts(result.test),
      "forecast.svg": svg,
      "forecast.png": await toPng(svg),
    });
    // The run is over; what it wrote last holds all that they did.
    await new Checkpoints({ folder }).clear();
    const files = "model.safetensors, metrics.json, forecasts.csv, forecast.svg, forecast.png";
    console.log(json ? JSON.stringify(summary, null, 2) : `Written to ${out}: ${files}\n\n${report(summary)}`);
  }));
