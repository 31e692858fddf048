import { Command } from "@commander-js/extra-typings";
import { exists, readDocument, readTextFile, writeFiles } from "../../shared/files.ts";
import { print, quoted } from "../../shared/printable.ts";
import { readResultLog } from "../../shared/result_log.ts";
import { BACKTEST_FILE, foldProblem, type FoldResult } from "../backtest.ts";
import type { TestDays } from "../judge.ts";
import { decodeForecasts, SUMMARY, type Summary } from "../summary.ts";
import { DEFAULT_OUT } from "./options.ts";

/** The settings that the back-test must share with the training run. */
const SHARED = [
  "target",
  "horizon",
  "model",
  "features",
  "hidden",
  "window",
  "learningRate",
  "epochs",
  "seed",
] as const;

/** The folds of the back-test in the same folder, if any. It must have the same series and settings. */
async function readFolds(path: string, { data, settings }: Summary): Promise<FoldResult[] | undefined> {
  if (!await exists(path)) return undefined;
  const { of, entries } = await readResultLog<FoldResult>(path, foldProblem);
  const found = Object(of.backtest) as Record<string, unknown>;
  const [file] = Object(found.prices) as [unknown];
  const pairs = [
    ["series", file, data.source],
    ...SHARED.map((name) => [name, found[name], settings[name]] as const),
  ] as const;
  const other = pairs.find(([, there, here]) => there !== here);
  if (other !== undefined) {
    const [name, there, here] = other;
    throw new Error(
      `Cannot report: ${path} must be from the same run as metrics.json, ` +
        `got ${name} ${quoted(there)} instead of ${
          quoted(here)
        }; run backtest with the same options, or remove the file`,
    );
  }
  return entries.length === 0 ? undefined : entries;
}

/** Checks that forecasts and summary are from the same run. */
function checkTest({ dates, forecasts }: TestDays, { windows, test, scores }: Summary, folder: string): void {
  const isSame = dates.length === windows.test && dates[0] === test.from && dates.at(-1) === test.to &&
    `${Object.keys(forecasts)}` === `${Object.keys(scores)}`;
  if (isSame) return;
  throw new Error(
    `Cannot report: ${folder}/forecasts.csv must be from the same run as metrics.json, got other test days or forecasts`,
  );
}

export const report = new Command("report")
  .description("Make an HTML page of the results of train, and of backtest if it ran in the same folder.")
  .argument("[folder]", "the output folder of train", DEFAULT_OUT)
  .action(async (folder) => {
    const summary = await readDocument(`${folder}/metrics.json`, SUMMARY) as Summary;
    const test = decodeForecasts(await readTextFile(`${folder}/forecasts.csv`), `${folder}/forecasts.csv`);
    checkTest(test, summary, folder);
    const folds = await readFolds(`${folder}/${BACKTEST_FILE}`, summary);
    // Charts take a moment to load; the other commands do not need them.
    const { reportPage } = await import("../report_page.ts");
    await writeFiles(folder, { "report.html": await reportPage(summary, test, folds) });
    print(`Written to ${folder}: report.html`);
  });
