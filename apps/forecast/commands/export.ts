import { Command } from "@commander-js/extra-typings";
import { readFile } from "../../shared/files.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { Forecaster } from "../forecaster.ts";
import { DEFAULT_MODEL } from "./options.ts";

/** The name of one of several files: model.onnx, model-2.onnx, … */
function nameOf(path: string, index: number): string {
  return index === 0 ? path : path.replace(/(\.onnx)?$/, `-${index + 1}$1`);
}

export const exportOnnx = new Command("export")
  .description("Export the trained networks as ONNX for use in other programs.")
  .argument("[model]", "a model file written by train", DEFAULT_MODEL)
  .option(
    "--out <file>",
    "the ONNX file; a description goes to FILE.json, and further networks to FILE-2 and so on (default: next to the model)",
  )
  .action(async (file, { out }) => {
    const forecaster = Forecaster.decode(await readFile(file), file);
    const { exportNetworks } = await import("../export.ts");
    const path = out ?? `${file.replace(/\.safetensors$/, "")}.onnx`;
    for (const [i, one] of exportNetworks(forecaster).entries()) await writeOnnx(file, nameOf(path, i), one);
  });
