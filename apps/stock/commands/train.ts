import { Command } from "@commander-js/extra-typings";
import { Checkpoints, progressBar, stopOnSignals } from "@unfold/training";
import { HOW_TO_RESUME, sayIfNew } from "../../shared/cli.ts";
import { prepareFolder, readFile, writeFiles } from "../../shared/files.ts";
import { table } from "../../shared/format.ts";
import { distributedOption, onRanks, stoppedOn, workersOption } from "../../shared/ranks.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { Forecaster } from "../forecaster.ts";
import { referenceOf } from "../judge.ts";
import { cutOf, splitWindows } from "../split.ts";
import { encodeForecasts, type Summary, summaryOf } from "../summary.ts";
import { prepare, trainForecaster } from "../train.ts";
import {
  directionLine,
  intervalLine,
  outlookLines,
  scoreHead,
  scoreRow,
  shortName,
  titleOf,
  verdict,
} from "../wording.ts";
import {
  checkFractions,
  dataCommand,
  DEFAULT_OUT,
  networkCommand,
  outOption,
  prepareTraining,
  readPrices,
  seriesOf,
  testOption,
} from "./options.ts";

const DEFAULT_MODEL = `${DEFAULT_OUT}/model.safetensors`;

function report(summary: Summary): string {
  const { data, windows, test, labels, scores, direction, interval, next, settings: { target, horizon } } = summary;
  const head = scoreHead(target, horizon, shortName(labels, referenceOf(scores)));
  return [
    `${data.source}: ${data.rows} days, ${data.from} to ${data.to}; tested on ${windows.test} days from ${test.from}.`,
    "",
    table(head, Object.entries(scores).map(([name, score]) => scoreRow(labels[name]!, score))),
    "",
    ...(direction === undefined ? [] : [directionLine(target, direction)]),
    ...(interval === undefined ? [] : [intervalLine(interval)]),
    outlookLines(next),
    "",
    verdict(target, scores, labels),
  ].join("\n");
}

export const train = networkCommand("train")
  .description("Train on daily prices, test on the last part of them, and forecast.")
  .addOption(outOption)
  .addOption(testOption)
  .option("--resume", "continue a stopped run from its last checkpoint", false)
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
    if (result === undefined) throw stoppedOn(communicator, HOW_TO_RESUME, stop.exitCode);
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
    // A finished run needs no checkpoints.
    await new Checkpoints({ folder }).clear();
    const files = "model.safetensors, metrics.json, forecasts.csv, forecast.svg, forecast.png";
    console.log(json ? JSON.stringify(summary, null, 2) : `Written to ${out}: ${files}\n\n${report(summary)}`);
  }));

export const forecast = dataCommand("forecast")
  .description("Forecast the days after a series with a trained model.")
  .argument("[model]", "a model file written by train", DEFAULT_MODEL)
  .action(async (model, { json, ...data }) => {
    const forecaster = Forecaster.decode(await readFile(model), model);
    const outlook = forecaster.next(await readPrices(data, forecaster.config.featureSet));
    console.log(json ? JSON.stringify(outlook, null, 2) : outlookLines(outlook));
  });

export const exportOnnx = new Command("export")
  .description("Export a trained model as ONNX for use in other programs.")
  .argument("[model]", "a model file written by train", DEFAULT_MODEL)
  .option("--out <file>", "the ONNX file; a description goes to FILE.json (default: next to the model)")
  .action(async (model, { out }) => {
    const forecaster = Forecaster.decode(await readFile(model), model);
    const { exportForecaster } = await import("../export.ts");
    await writeOnnx(model, out, exportForecaster(forecaster));
  });
