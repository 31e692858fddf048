import { Command } from "@commander-js/extra-typings";
// @ts-types="@types/d3-dsv"
import { csvParse } from "d3-dsv";
import { exists, readDocument, readTextFile, writeFiles } from "../../shared/files.ts";
import { print, quoted } from "../../shared/printable.ts";
import { readResultLog } from "../../shared/result_log.ts";
import { BACKTEST_FILE, foldProblem, type FoldResult } from "../backtest.ts";
import type { Panel } from "../chart.ts";
import { LEVELS } from "../quantiles.ts";
import { SUMMARY, type Summary } from "../summary.ts";
import { DEFAULT_OUT } from "./options.ts";

/** The shown series with their forecasts in a file that `train` wrote. */
function panelsOf({ shown, horizon }: Summary, text: string, file: string): Panel[] {
  const rows = csvParse(text);
  const [, step = "step"] = rows.columns;
  const numberAt = (at: number, name: string) => {
    const cell = rows[at]?.[name];
    const value = Number(cell || NaN);
    if (Number.isFinite(value)) return value;
    throw new Error(`Cannot read ${file}: line ${at + 2}, column ${name}: it must be a number, got ${quoted(cell)}`);
  };
  return shown.map(({ id, labels, values }, i) => {
    const places = Array.from({ length: horizon }, (_, h) => i * horizon + h);
    const other = places.find((at) => rows[at]?.id !== id);
    if (other !== undefined) {
      throw new Error(
        `Cannot report: ${file} must be from the same run as metrics.json, got ${
          quoted(rows[other]?.id ?? "nothing")
        } ` +
          `in line ${other + 2} instead of ${quoted(id)}; run train again`,
      );
    }
    const quantiles = LEVELS.map((level) =>
      Float64Array.from(places, (at) => numberAt(at, level === 0.5 ? "median" : `q${level}`))
    );
    return { id, labels, values, ahead: places.map((at) => rows[at]![step]!), quantiles };
  });
}

/** The settings that a back-test must share with the run. */
const SHARED = ["season", "horizon", "cell", "hidden", "steps", "learningRate", "seed"] as const;

/** The folds of the back-test in the same folder, if any. It must have the same series and settings. */
async function readFolds(path: string, summary: Summary): Promise<readonly FoldResult[] | undefined> {
  if (!await exists(path)) return undefined;
  const { of, entries } = await readResultLog<FoldResult>(path, foldProblem);
  const found = Object(of.backtest) as Record<string, unknown>;
  const [file] = Object(found.series) as [unknown];
  const settings = { ...summary.settings, ...summary } as unknown as Record<string, unknown>;
  const pairs = [["series", file, summary.data.source], ...SHARED.map((name) => [name, found[name], settings[name]])];
  const other = pairs.find(([, there, here]) => there !== here);
  if (other !== undefined) {
    const [name, there, here] = other;
    throw new Error(
      `Cannot report: ${path} must be from the same run as metrics.json, got ${name} ${quoted(there)} instead of ` +
        `${quoted(here)}; run backtest with the same options, or remove the file`,
    );
  }
  return entries.length === 0 ? undefined : entries;
}

export const report = new Command("report")
  .description("Make an HTML page of the results of train, and of backtest if it ran in the same folder.")
  .argument("[folder]", "the output folder of train", DEFAULT_OUT)
  .action(async (folder) => {
    const summary = await readDocument(`${folder}/metrics.json`, SUMMARY) as Summary;
    const file = `${folder}/forecasts.csv`;
    const text = await readTextFile(file);
    const panels = panelsOf(summary, text, file);
    const folds = await readFolds(`${folder}/${BACKTEST_FILE}`, summary);
    // Charts take a moment to load; the other commands do not need them.
    const { reportPage } = await import("../report_page.ts");
    await writeFiles(folder, { "report.html": await reportPage(summary, panels, folds) });
    print(`Written to ${folder}: report.html`);
  });
