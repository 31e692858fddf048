import { Command } from "@commander-js/extra-typings";
import { readFile } from "../../../shared/files.ts";
import { writeOnnx } from "../../../shared/write_onnx.ts";
import { Classifier } from "../../classifier/classifier.ts";
import { DEFAULT_CLASSIFIER } from "./options.ts";

export const exportOnnx = new Command("export")
  .description("Export a trained classifier as ONNX.")
  .argument("[classifier]", "classifier file written by train", DEFAULT_CLASSIFIER)
  .option("--out <file>", "ONNX file to write; FILE.json describes it (default: next to the classifier)")
  .action(async (path, { out }) => {
    const classifier = Classifier.fromFile(await readFile(path), path);
    const { exportClassifier } = await import("../../classifier/export.ts");
    await writeOnnx(path, out, exportClassifier(classifier));
  });
