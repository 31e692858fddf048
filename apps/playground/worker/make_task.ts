import { Forecaster } from "../../stock/forecaster.ts";
import { parsePrices } from "../../stock/prices.ts";
import { LanguageModel } from "../../text/language_model.ts";
import { taskOf } from "../data.ts";
import type { Request } from "../messages.ts";
import { makePrices } from "./make_prices.ts";
import { SeriesTask } from "./series_task.ts";
import type { Task } from "./task.ts";
import { TextTask } from "./text_task.ts";

/** Makes what is trained: a model anew, or the one in a file, and its data. */
export function makeTask({ settings, data, file }: Extract<Request, { type: "start" }>): Task {
  if (taskOf(settings.data) === "text") {
    const model = file && LanguageModel.fromFile(file.bytes, file.name);
    return new TextTask({ settings, text: data.content ?? "", name: data.name, model });
  }
  const prices = settings.data === "sine" || settings.data === "ar"
    ? makePrices(settings.data)
    : parsePrices(data.content ?? "", data.name, { sort: true });
  return new SeriesTask({ settings, prices, forecaster: file && Forecaster.decode(file.bytes, file.name) });
}
