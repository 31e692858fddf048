import { Command } from "@commander-js/extra-typings";
import { asWritten, exists, readJson, readTextFile, writeFiles } from "../../shared/files.ts";
import { readResultLog } from "../../shared/result_log.ts";
import { BACKTEST_FILE, foldProblem, type FoldResult } from "../backtest.ts";
import type { TestDays } from "../judge.ts";
import { decodeForecasts, type Summary } from "../summary.ts";
import { TARGETS } from "../targets.ts";
import { DEFAULT_OUT } from "./options.ts";

/** What must be alike in the runs that one page shows. */
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

/** Folds that were tested in the same folder, if any were, of the same series and settings. */
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
    throw new Error(
      `Cannot report: ${path} must be of the run that metrics.json is of, got a ${other[0]} of ${other[1]} and ${
        other[2]
      } there; ` +
        "backtest with the same options, or remove it",
    );
  }
  return entries.length === 0 ? undefined : entries;
}

/** Checks that the test days are those of the summary. */
function checkTest({ dates, forecasts }: TestDays, { windows, test, scores, settings }: Summary, folder: string): void {
  const isSame = Object.hasOwn(TARGETS, settings.target) && dates.length === windows.test &&
    dates[0] === test.from && dates.at(-1) === test.to && `${Object.keys(forecasts)}` === `${Object.keys(scores)}`;
  if (isSame) return;
  throw new Error(`Cannot report: ${folder}/forecasts.csv must have the test days of metrics.json, got others`);
}

export const report = new Command("report")
  .description("Make a page of what train, and backtest if it ran there, wrote into a folder.")
  .argument("[folder]", "where they wrote", DEFAULT_OUT)
  .action(async (folder) => {
    const summary = await readJson(`${folder}/metrics.json`, "history") as Summary;
    const test = decodeForecasts(await readTextFile(`${folder}/forecasts.csv`), `${folder}/forecasts.csv`);
    // Drawing takes a moment to load, which the other commands are spared.
    const { reportPage } = await import("../report_page.ts");
    const page = await asWritten(`${folder}/metrics.json`, async () => {
      checkTest(test, summary, folder);
      return await reportPage(summary, test, await readFolds(`${folder}/${BACKTEST_FILE}`, summary));
    });
    await writeFiles(folder, { "report.html": page });
    console.log(`Written to ${folder}: report.html`);
  });
