import { readFile } from "../../shared/read_file.ts";
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
