import { Command } from "@commander-js/extra-typings";
import { integer } from "../../shared/cli.ts";
import { readFile } from "../../shared/read_file.ts";
import { readJson } from "../../shared/read_json.ts";
import { writeFiles } from "../../shared/write_files.ts";
import { LanguageModel } from "../language_model.ts";
import { DEFAULT_OUT } from "./options.ts";
import type { Summary } from "./train.ts";

export const report = new Command("report")
  .description("Make a page of what train wrote into a folder.")
  .argument("[folder]", "where it wrote", DEFAULT_OUT)
  .option("--unit <n>", "the unit of the last layer to show (default: the steadiest)", integer(0))
  .action(async (folder, { unit }) => {
    const path = `${folder}/model.safetensors`;
    const model = LanguageModel.decode(await readFile(path), path);
    const summary = await readJson(`${folder}/metrics.json`, "passage") as Summary;
    if (unit !== undefined && unit >= model.config.hidden) {
      throw new RangeError(
        `Cannot show unit ${unit}: it must be below the model's ${model.config.hidden}, got ${unit}`,
      );
    }
    // Drawing takes a moment to load, which the other commands are spared.
    const { reportPage } = await import("../report_page.ts");
    await writeFiles(folder, { "report.html": await reportPage(model, summary, unit) });
    console.log(`Written to ${folder}: report.html`);
  });
