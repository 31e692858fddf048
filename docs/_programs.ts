import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import type { OnnxExport } from "../apps/shared/write_onnx.ts";
import { csv } from "../apps/stock/_testing.ts";
import { exportForecaster } from "../apps/stock/export.ts";
import { FEATURE_SETS } from "../apps/stock/features.ts";
import { Forecaster } from "../apps/stock/forecaster.ts";
import { parsePrices } from "../apps/stock/prices.ts";
import { exportLanguageModel } from "../apps/text/export.ts";
import { LanguageModel } from "../apps/text/language_model.ts";

const page = Deno.readTextFileSync(new URL("onnx.md", import.meta.url));

/** The page's programs in one language. */
function programs(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\b.*\\n([^]*?)^\`\`\``, "gm"))].map(([, code]) => code!);
}

/** What the page's programs do. */
export const TASKS = ["forecast", "text"] as const;

/** One of the tasks. */
type Task = typeof TASKS[number];

/** A task's program in a language, and the JavaScript that it imports. */
export function programOf(task: Task, language: "python" | "js" | "html"): { program: string; shared: string } {
  const [shared, node] = programs("js").slice(2 * TASKS.indexOf(task)) as [string, string];
  return { program: language === "js" ? node : programs(language)[TASKS.indexOf(task)]!, shared };
}

/** Writes the files that a task's programs read into a folder. */
export async function prepare(folder: string, task: Task): Promise<void> {
  const { file, about }: OnnxExport = task === "forecast" ? exportForecaster(forecaster) : exportLanguageModel(writer);
  await Deno.writeFile(`${folder}/model.onnx`, file);
  await Deno.writeTextFile(`${folder}/model.onnx.json`, JSON.stringify(about));
  await Deno.writeTextFile(`${folder}/prices.csv`, prices);
  await Deno.writeTextFile(
    `${folder}/${task === "forecast" ? "forecast" : "sample"}.mjs`,
    programOf(task, "js").shared,
  );
}

const random = new Random(1);
const prices = csv(60);
const { names } = FEATURE_SETS.returns;
const forecaster = new Forecaster({
  model: "lstm",
  hidden: 8,
  target: "price",
  horizon: 2,
  window: 10,
  featureSet: "returns",
  features: names,
  featureScaler: {
    kind: "standard",
    mean: names.map(() => 0.001),
    deviation: names.map((_, i) => 0.01 + i / 1000),
  },
  targetScaler: { kind: "standard", mean: [0.001, 0.002], deviation: [0.01, 0.02] },
}, random);

const vocabulary = [..."Calme r"];
const writer = new LanguageModel({
  tokens: "char",
  vocabulary,
  cell: "lstm",
  hidden: 8,
  layers: 2,
  embedding: 4,
  dropout: 0,
  tied: false,
}, random);
// After this, "r" is always by far the most likely token.
const { weight, bias } = writer.output.parameters();
weight!.data.fill(0);
bias!.data[vocabulary.indexOf("r")] = 100;

/** Fails unless a program printed what the app does. */
export function checkPrinted(task: Task, printed: string): void {
  if (task === "text") return assert.equal(printed.trim(), `Call me ${"r".repeat(200)}`);
  const expected = forecaster.next(parsePrices(prices, "prices.csv")).steps.map(({ value }) => value);
  const numbers = printed.match(/[\d.]+/g)!.map(Number);
  assert.equal(numbers.length, 2);
  numbers.forEach((value, i) => assert.ok(Math.abs(value / expected[i]! - 1) < 1e-5, `${value}, ${expected[i]}`));
}
