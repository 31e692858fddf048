import { Command } from "@commander-js/extra-typings";
import { readTextFile } from "../../shared/read_file.ts";
import { readJson } from "../../shared/read_json.ts";
import { writeFiles } from "../../shared/write_files.ts";
import type { FoldResult } from "../backtest.ts";
import { decodeForecasts } from "../forecasts_csv.ts";
import { DEFAULT_OUT } from "./options.ts";
import type { Summary } from "./train.ts";

export const report = new Command("report")
  .description("Make a page of what train, and backtest if it ran there, wrote into a folder.")
  .argument("[folder]", "where they wrote", DEFAULT_OUT)
  .action(async (folder) => {
    const summary = await readJson(`${folder}/metrics.json`, "history") as Summary;
    const test = decodeForecasts(await readTextFile(`${folder}/forecasts.csv`), `${folder}/forecasts.csv`);
    const isTested = await Deno.stat(`${folder}/backtest.json`).then(() => true, () => false);
    const folds = isTested
      ? (await readJson(`${folder}/backtest.json`, "folds") as { folds: FoldResult[] }).folds
      : undefined;
    // Drawing takes a moment to load, which the other commands are spared.
    const { reportPage } = await import("../report_page.ts");
    await writeFiles(folder, { "report.html": await reportPage(summary, test, folds) });
    console.log(`Written to ${folder}: report.html`);
  });
