import { rmdir } from "node:fs/promises";
import { Option } from "@commander-js/extra-typings";
import { UsageError } from "../../shared/cli.ts";
import { exists, prepareFolder, readFile, writeFiles } from "../../shared/files.ts";
import { pictureFiles, writePictures } from "../../shared/pictures.ts";
import { listed, print, printData, quoted, say } from "../../shared/printable.ts";
import { startThreads } from "../../shared/threads.ts";
import { canTrain, compareOn } from "../compare.ts";
import { FALLBACK, Forecaster } from "../forecaster.ts";
import { type CandidateName, LABELS } from "../methods.ts";
import { clearCheckpoints, frequencyText, trainNetworks } from "../networks.ts";
import type { Quantiles } from "../quantiles.ts";
import { comparisonTable, coverageLine, encodeForecasts, outlookTable, setLine, verdict } from "../report.ts";
import type { Comparison } from "../rolling.ts";
import type { SeriesSet } from "../series_set.ts";
import { summaryOf } from "../summary.ts";
import { dataCommand, loadSeries, rhythmOf } from "./data.ts";
import { DEFAULT_MODEL, identityOf, networkCommand, outOption, settingsOf } from "./options.ts";

/** The file of forecasts. */
const FORECASTS = "forecasts.csv";
/** The files of the results. */
const RESULTS = ["model.safetensors", "metrics.json", FORECASTS] as const;
/** The name of the picture. */
const PICTURE = "forecast";

/** What is printed of a comparison. */
function comparisonText(set: SeriesSet, season: number, comparison: Comparison): string[] {
  return [setLine(set, season), "", comparisonTable(comparison), "", coverageLine(comparison)];
}

export const compare = networkCommand("compare")
  .description("Compare the network with classical methods by rolling origins, without a forecast.")
  .action(async ({ json, threads, ...options }) => {
    const set = await loadSeries(options);
    const rhythm = rhythmOf(set, options);
    if (options.network) await startThreads(threads);
    const comparison = await compareOn(set, { ...settingsOf(options), ...rhythm });
    if (json) print(JSON.stringify({ source: set.file, ...rhythm, ...comparison }, null, 2));
    else print([...comparisonText(set, rhythm.season, comparison), verdict(comparison)].join("\n"));
  });

export const train = networkCommand("train")
  .description("Compare the network with classical methods, forecast with the best, and write the results.")
  .addOption(outOption)
  .option("--resume", "continue a stopped run from its last checkpoint", false)
  .action(async ({ json, out, resume, threads, ...options }) => {
    const set = await loadSeries(options);
    const rhythm = rhythmOf(set, options);
    const settings = settingsOf(options);
    using _lock = await prepareFolder(out, { files: [...RESULTS, ...pictureFiles(PICTURE)] });
    const [first, last] = ["compare", "all"].map((stage) => `${out}/checkpoints/${stage}`) as [string, string];
    if (resume) await sayIfNothing(out);
    if (settings.network) await startThreads(threads);
    const config = { series: await identityOf(set), ...rhythm, ...settings };
    const comparison = await compareOn(set, {
      ...settings,
      ...rhythm,
      checkpoints: { folder: first, config, resume },
    });
    const { best, results } = comparison;
    const ends = set.series.map(({ values }) => values.length);
    const trained = results.network !== undefined && canTrain(ends, rhythm)
      ? await trainNetworks(set, ends, {
        ...rhythm,
        settings,
        doing: "training on all values",
        checkpoints: { folder: last, config, resume },
      })
      : [];
    const factors = Object.fromEntries(Object.entries(results).map(([name, { factors }]) => [name, factors]));
    const frequency = frequencyText(set.frequency);
    const forecaster = new Forecaster({ use: best, ...rhythm, frequency, factors }, trained.map(({ model }) => model));
    const forecasts = forecaster.forecast(set.series);
    checkFinite(set, forecasts);
    const histories = trained.map(({ history }) => history);
    const summary = summaryOf(set, { ...rhythm, settings, comparison, histories });
    await writeFiles(out, {
      "model.safetensors": forecaster.encode(),
      "metrics.json": `${JSON.stringify(summary, null, 2)}\n`,
      [FORECASTS]: encodeForecasts(set, forecasts),
    });
    const pictures = await writePictures(out, PICTURE, async () => {
      const { forecastChart } = await import("../chart.ts");
      return await forecastChart(set, forecasts);
    });
    // A finished run needs no checkpoints.
    for (const folder of [first, last]) await clearCheckpoints(folder, settings.seeds);
    await rmdir(`${out}/checkpoints`).catch(() => {});
    if (json) return void print(JSON.stringify(summary, null, 2));
    print([
      `Written to ${out}: ${[...RESULTS, ...pictures].join(", ")}`,
      "",
      ...comparisonText(set, rhythm.season, comparison),
      "",
      outlookTable(set, forecasts),
      "",
      verdict(comparison),
    ].join("\n"));
  });

/** Warns if there is nothing to resume: the run is finished, or was never started. */
async function sayIfNothing(out: string): Promise<void> {
  if (!await exists(`${out}/checkpoints`)) say(`no checkpoint in ${out}: training from the start`);
}

export const forecast = dataCommand("forecast")
  .description("Forecast what follows series with what train recommends, also series that it never saw.")
  .argument("[model]", "a model file written by train", DEFAULT_MODEL)
  .addOption(
    new Option("--use <name>", "the forecast to use (default: the one that train recommends)").choices(
      Object.keys(LABELS),
    ),
  )
  .option("--out <folder>", `write ${FORECASTS} there`)
  .action(async (file, { json, out, use, ...options }) => {
    using _ = out === undefined ? undefined : await prepareFolder(out, { files: [FORECASTS] });
    const forecaster = Forecaster.decode(await readFile(file), file);
    const { config } = forecaster;
    const set = await loadSeries(options);
    checkFrequency(set, config.frequency);
    const used = (use as CandidateName | undefined) ?? config.use;
    const forecasts = forecaster.forecast(set.series, used);
    checkFinite(set, forecasts);
    const text = encodeForecasts(set, forecasts);
    say(`forecast with the ${LABELS[used]}`);
    const odd = forecaster.unsuited(set.series, used).map(({ id }) => id);
    if (odd.length > 0) {
      say(
        `warning: the network takes logarithms, so series with values of 0 or below are forecast with the ` +
          `${LABELS[FALLBACK]}: ${listed(odd)}`,
      );
    }
    if (out !== undefined) await writeFiles(out, { [FORECASTS]: text });
    if (json) {
      const series = set.series.map((one, i) => ({
        id: one.id,
        steps: one.next(config.horizon),
        quantiles: forecasts[i]!.map((values) => [...values]),
      }));
      print(JSON.stringify({ source: set.file, series }, null, 2));
    } else if (out === undefined) printData(text.trimEnd());
    else print(outlookTable(set, forecasts));
  });

/** @throws {RangeError} If a forecast is not a number that can be written. */
function checkFinite({ file, series }: SeriesSet, forecasts: readonly Quantiles[]): void {
  forecasts.forEach((quantiles, i) => {
    const bad = quantiles.flatMap((values) => values.find((value) => !Number.isFinite(value)) ?? [])[0];
    if (bad === undefined) return;
    const id = quoted(series[i]!.id);
    throw new RangeError(
      `Cannot forecast ${file}: the forecast of ${id} must be finite, got ${bad}; bring its values to a unit in which ` +
        "they are smaller, or train a model on this file",
    );
  });
}

/** A step of one length means nothing to a model of another. */
function checkFrequency({ file, frequency }: SeriesSet, wanted: string): void {
  const own = frequencyText(frequency);
  if ([own, wanted].some((name) => /step|irregular/.test(name)) || own === wanted) return;
  throw new UsageError(
    `Cannot forecast ${file}: a step of its series must be ${wanted}, as the model's, got ${own}; bring the file to ` +
      `that step by --every, or train a model on it`,
  );
}
