import { Command } from "@commander-js/extra-typings";
import { Checkpoints, progressBar, stopOnSignals } from "@unfold/training";
import { HOW_TO_RESUME, sayIfNew, UsageError } from "../../shared/cli.ts";
import { exists, prepareFolder, readFile, writeFiles } from "../../shared/files.ts";
import { table } from "../../shared/format.ts";
import { pictureFiles, writePictures } from "../../shared/pictures.ts";
import { print, say } from "../../shared/printable.ts";
import { distributedOption, onRanks, stoppedOn } from "../../shared/ranks.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { Forecaster } from "../forecaster.ts";
import { referenceOf } from "../judge.ts";
import { cutOf, splitWindows } from "../split.ts";
import { encodeForecasts, encodeOutlook, type Summary, summaryOf } from "../summary.ts";
import { placeOf, stepsOf } from "../rhythm.ts";
import { targetOf } from "../targets.ts";
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
import { dataCommand, readPrices, seriesOf } from "./data.ts";
import { checkFractions, DEFAULT_OUT, networkCommand, outOption, prepareTraining, testOption } from "./options.ts";

const DEFAULT_MODEL = `${DEFAULT_OUT}/model.safetensors`;
/** The files of the results. */
const RESULTS = ["model.safetensors", "metrics.json", "forecasts.csv", "next.csv"] as const;
/** The name of the picture. */
const PICTURE = "forecast";

function report(summary: Summary): string {
  const { data, windows, test, labels, scores, direction, interval, next, settings: { target, horizon } } = summary;
  const { rhythm } = data;
  const head = scoreHead(target, horizon, shortName(labels, referenceOf(scores)), rhythm);
  return [
    `${data.source}: ${stepsOf(rhythm, data.rows)}, ${data.from} to ${data.to}; ` +
    `tested on ${stepsOf(rhythm, windows.test)} from ${test.from}.`,
    "",
    table(head, Object.entries(scores).map(([name, score]) => scoreRow(labels[name]!, score))),
    "",
    ...(direction === undefined ? [] : [directionLine(target, direction, rhythm)]),
    ...(interval === undefined ? [] : [intervalLine(interval, rhythm)]),
    outlookLines(next),
    "",
    verdict(target, scores, labels, rhythm),
  ].join("\n");
}

/** Settings that a model fixes, and the options that would contradict it. */
const FIXED = ["model", "hidden", "window", "target", "horizon", "features"] as const;

/** Reads the model to start from, and the settings that it fixes. */
async function readFrom(file: string, given: (name: string) => boolean) {
  const forecaster = Forecaster.decode(await readFile(file), file);
  const { model, hidden, window, target, horizon, featureSet } = forecaster.config;
  const other = FIXED.find(given);
  if (other !== undefined) {
    throw new UsageError(
      `--from takes ${FIXED.map((name) => `--${name}`).join(", ")} from the model; leave out --${other}`,
    );
  }
  return { forecaster, settings: { model, hidden, window, target, horizon, features: featureSet } };
}

/** A finished run is not written over. */
async function checkFinished(out: string): Promise<void> {
  const model = `${out}/model.safetensors`;
  if (!await exists(model) || (await new Checkpoints({ folder: `${out}/checkpoints` }).list()).length > 0) return;
  throw new UsageError(
    `Cannot resume: the run in ${out} is finished. To forecast with it: forecast ${model} --csv FILE. To train it ` +
      `further on newer data, as a new run: train --from ${model} --csv FILE --out OTHER_FOLDER`,
  );
}

/** The test part of a run that starts from a model should be new to it. */
function sayIfSeen(seenUntil: string | undefined, first: string): void {
  if (seenUntil === undefined || placeOf(first) > placeOf(seenUntil)) return;
  say(
    `warning: the model has been trained or chosen on prices up to ${seenUntil}, and the test part begins on ${first}; ` +
      "its scores may flatter, until the file has more new rows or --test is smaller",
  );
}

export const train = networkCommand("train")
  .description("Train on prices, test on the last part of them, and forecast.")
  .addOption(outOption)
  .addOption(testOption)
  .option("--resume", "continue a stopped run from its last checkpoint", false)
  .option("--from <model>", "start from a trained model's weights, as a new run on newer data")
  .addOption(distributedOption)
  .action(onRanks(async ({ out, json, resume, from: source, ...options }, communicator) => {
    const isFirst = communicator.rank === 0;
    checkFractions(options);
    if (resume) await checkFinished(out);
    const given = (name: string) => train.getOptionValueSource(name as "model") === "cli";
    const from = source === undefined ? undefined : await readFrom(source, given);
    if (source !== undefined && dirname(source) === normalized(out)) {
      throw new UsageError(`--out must be another folder than that of the model, got ${out}; name one by --out`);
    }
    const { prices, settings, makeOptimizer } = await prepareTraining({ ...options, ...from?.settings }, {
      quiet: !isFirst,
    });
    const prepared = prepare(prices, settings, splitWindows(prices, cutOf(settings), settings), from?.forecaster);
    if (from !== undefined) {
      from.forecaster.checkSeries(prices, `train on`);
      const { split: { test }, config: { horizon } } = prepared;
      const first = prices.dates[test.from + from.forecaster.featureSet.warmUp + horizon]!;
      if (isFirst) sayIfSeen(from.forecaster.config.seenUntil, first);
    }
    using _ = await prepareFolder(out, { files: [...RESULTS, ...pictureFiles(PICTURE)], communicator });
    const { from: begin, to } = prepared.split.train;
    const folder = `${out}/checkpoints`;
    if (resume && isFirst) await sayIfNew(folder);
    using stop = stopOnSignals();
    const result = await trainForecaster(prices, prepared, settings, {
      optimizer: await makeOptimizer(),
      onEvent: isFirst ? progressBar({ epochs: settings.epochs, samples: to - begin }) : () => {},
      folder,
      config: { ...settings, prices: await seriesOf(prices), ...(source !== undefined && { from: source }) },
      resume,
      signal: stop.signal,
      communicator,
      ...(from && { from: from.forecaster }),
    });
    if (result === undefined) throw stoppedOn(communicator, HOW_TO_RESUME, stop.exitCode);
    if (!isFirst) return;
    const summary = summaryOf(prices, settings, result);
    const results: Record<typeof RESULTS[number], string | Uint8Array> = {
      "model.safetensors": result.forecaster.encode(),
      "metrics.json": `${JSON.stringify(summary, null, 2)}\n`,
      "forecasts.csv": encodeForecasts(result.test),
      "next.csv": encodeOutlook(summary.next),
    };
    await writeFiles(out, results);
    const pictures = await writePictures(out, PICTURE, async () => {
      const { forecastChart } = await import("../charts.ts");
      const { rhythm } = prices;
      const target = targetOf(settings.target, rhythm);
      return await forecastChart(result.test, { target, rhythm, next: summary.next, title: titleOf(summary) });
    });
    // A finished run needs no checkpoints.
    await new Checkpoints({ folder }).clear();
    const files = [...RESULTS, ...pictures].join(", ");
    print(json ? JSON.stringify(summary, null, 2) : `Written to ${out}: ${files}\n\n${report(summary)}`);
  }));

/** A path without what says nothing. */
function normalized(path: string): string {
  return path.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
}

/** The folder of a file. */
function dirname(path: string): string {
  return normalized(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
}

export const forecast = dataCommand("forecast")
  .description("Forecast what follows a series with a trained model.")
  .argument("[model]", "a model file written by train", DEFAULT_MODEL)
  .option("--out <file>", "write the forecast as CSV")
  .action(async (model, { json, out, ...data }) => {
    const forecaster = Forecaster.decode(await readFile(model), model);
    const { columns: need, positive } = forecaster.featureSet;
    const outlook = forecaster.next(await readPrices(data, { need, positive: positive || forecaster.target.positive }));
    if (out !== undefined) {
      await writeFiles(dirname(out) || ".", { [out.slice(out.lastIndexOf("/") + 1)]: encodeOutlook(outlook) });
    }
    print(json ? JSON.stringify(outlook, null, 2) : outlookLines(outlook));
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
