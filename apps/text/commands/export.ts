import { Command } from "@commander-js/extra-typings";
import { readFile } from "../../shared/read_file.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { LanguageModel } from "../language_model.ts";
import { DEFAULT_MODEL } from "./options.ts";

export const exportOnnx = new Command("export")
  .description("Write a trained model as ONNX, for other programs to run.")
  .argument("[model]", "a model that train wrote", DEFAULT_MODEL)
  .option("--out <file>", "where it goes, with FILE.json beside it (default: beside the model)")
  .action(async (path, { out }) => {
    const model = LanguageModel.fromFile(await readFile(path), path);
    const { exportLanguageModel } = await import("../export_language_model.ts");
    await writeOnnx(path, out, exportLanguageModel(model));
  });
