import { Command } from "@commander-js/extra-typings";
import { readFile } from "../../shared/files.ts";
import { writeOnnx } from "../../shared/write_onnx.ts";
import { Forecaster } from "../forecaster.ts";
import { outlookLines } from "../wording.ts";
import { dataCommand, DEFAULT_OUT, readPrices } from "./options.ts";

export const forecast = dataCommand("forecast")
  .description("Forecast what comes after the last day of a series with a trained model.")
  .argument("[model]", "a model that train wrote", `${DEFAULT_OUT}/model.safetensors`)
  .action(async (model, { json, ...data }) => {
    const forecaster = Forecaster.decode(await readFile(model), model);
    const outlook = forecaster.next(await readPrices(data, forecaster.config.featureSet));
    console.log(json ? JSON.stringify(outlook, null, 2) : outlookLines(outlook));
  });

export const exportOnnx = new Command("export")
  .description("Write a trained model as ONNX, for other programs to run.")
  .argument("[model]", "a model that train wrote", `${DEFAULT_OUT}/model.safetensors`)
  .option("--out <file>", "where it goes, with FILE.json beside it (default: beside the model)")
  .action(async (model, { out }) => {
    const forecaster = Forecaster.decode(await readFile(model), model);
    const { exportForecaster } = await import("../export.ts");
    await writeOnnx(model, out, exportForecaster(forecaster));
  });
