import { Random } from "@unfold/core";
import { Forecaster } from "../../stock/forecaster.ts";
import { parsePrices, type Prices } from "../../stock/prices.ts";
import { LanguageModel } from "../../text/language_model.ts";
import { taskOf } from "../data.ts";
import type { RunSource } from "../messages.ts";
import { SeriesTask } from "./series_task.ts";
import type { Task } from "./task.ts";
import { TextTask } from "./text_task.ts";

/** The length of a generated series, in days. */
const DAYS = 1500;
/** The level that it moves around. */
const LEVEL = 100;

/** The sum of two sine waves with periods of 32 and 11 days. */
function sineWaves(): Float64Array<ArrayBuffer> {
  const wave = (day: number, days: number) => Math.sin(2 * Math.PI * day / days);
  return Float64Array.from({ length: DAYS }, (_, day) => LEVEL + 12 * wave(day, 32) + 5 * wave(day, 11));
}

/** z_t = 1.7·z_{t−1} − 0.9·z_{t−2} + ε_t, the log of the price over the level: noisy swings of about 14 days. */
function autoregressive(): Float64Array<ArrayBuffer> {
  const random = new Random(2);
  let [before, now] = [0, 0];
  return Float64Array.from({ length: DAYS }, () => {
    [before, now] = [now, 1.7 * now - 0.9 * before + random.normal(0, 0.02)];
    return LEVEL * Math.exp(now);
  });
}

/** The generators by name. Each always returns the same values. */
const SERIES = { sine: sineWaves, ar: autoregressive } as const;

/** Generates a series in the form of daily prices. */
export function makePrices(name: keyof typeof SERIES): Prices {
  const start = Date.UTC(2020, 0, 1);
  const dates = Array.from({ length: DAYS }, (_, day) => new Date(start + day * 86_400_000).toISOString().slice(0, 10));
  return {
    file: name,
    dates,
    close: SERIES[name](),
    more: {},
    rhythm: { unit: "day", every: 1, perYear: 365 },
    notes: [],
  };
}

/** Builds a task from its data and a new model, or the one in a file. */
export function makeTask({ settings, data, file }: RunSource): Task {
  if (taskOf(settings.data) === "text") {
    const model = file && LanguageModel.fromFile(file.bytes, file.name);
    return new TextTask({ settings, text: data.content ?? "", name: data.name, model });
  }
  const prices = settings.data === "sine" || settings.data === "ar"
    ? makePrices(settings.data)
    : parsePrices(data.content ?? "", data.name);
  return new SeriesTask({ settings, prices, forecaster: file && Forecaster.decode(file.bytes, file.name) });
}
