import { Command } from "@commander-js/extra-typings";
import { integer } from "../../shared/cli.ts";
import { asWritten, readFile, readJson, writeFiles } from "../../shared/files.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { LanguageModel } from "../language_model.ts";
import type { Summary } from "../report.ts";
import { DEFAULT_MODEL, DEFAULT_OUT } from "./options.ts";

export const exportOnnx = new Command("export")
  .description("Write a trained model as ONNX, for other programs to run.")
  .argument("[model]", "a model that train wrote", DEFAULT_MODEL)
  .option("--out <file>", "where it goes, with FILE.json beside it (default: beside the model)")
  .action(async (path, { out }) => {
    const model = LanguageModel.fromFile(await readFile(path), path);
    const { exportLanguageModel } = await import("../export.ts");
    await writeOnnx(path, out, exportLanguageModel(model));
  });

export const report = new Command("report")
  .description("Make a page of what train wrote into a folder.")
  .argument("[folder]", "where it wrote", DEFAULT_OUT)
  .option("--unit <n>", "the unit of the last layer to show (default: the steadiest)", integer(0))
  .action(async (folder, { unit }) => {
    const path = `${folder}/model.safetensors`;
    const model = LanguageModel.fromFile(await readFile(path), path);
    const summary = await readJson(`${folder}/metrics.json`, "passage") as Summary;
    const { passage } = summary;
    const isPassage = Array.isArray(passage) && passage.length > 0 &&
      passage.every((token) => Number.isInteger(token) && token >= 0 && token < model.tokenizer.size);
    if (!isPassage) {
      throw new Error(`Cannot report: ${folder}/metrics.json must have a passage of the model's tokens, got none`);
    }
    if (unit !== undefined && unit >= model.config.hidden) {
      throw new RangeError(
        `Cannot show unit ${unit}: it must be below the model's ${model.config.hidden}, got ${unit}`,
      );
    }
    // Drawing takes a moment to load, which the other commands are spared.
    const { reportPage } = await import("../report.ts");
    const page = await asWritten(`${folder}/metrics.json`, () => reportPage(model, summary, unit));
    await writeFiles(folder, { "report.html": page });
    console.log(`Written to ${folder}: report.html`);
  });
