import { Command } from "@commander-js/extra-typings";
import { readFile } from "../../shared/read_file.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { Forecaster } from "../forecaster.ts";
import { DEFAULT_OUT } from "./options.ts";

export const exportOnnx = new Command("export")
  .description("Write a trained model as ONNX, for other programs to run.")
  .argument("[model]", "a model that train wrote", `${DEFAULT_OUT}/model.safetensors`)
  .option("--out <file>", "where it goes, with FILE.json beside it (default: beside the model)")
  .action(async (model, { out }) => {
    const forecaster = Forecaster.decode(await readFile(model), model);
    const { exportForecaster } = await import("../export_forecaster.ts");
    await writeOnnx(model, out, exportForecaster(forecaster));
  });
