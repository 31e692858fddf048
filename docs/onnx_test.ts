import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import type { OnnxExport } from "../apps/shared/write_onnx.ts";
import { csv } from "../apps/stock/_walk.ts";
import { exportForecaster } from "../apps/stock/export_forecaster.ts";
import { FEATURE_SETS } from "../apps/stock/features.ts";
import { Forecaster } from "../apps/stock/forecaster.ts";
import { parsePrices } from "../apps/stock/prices.ts";
import { exportLanguageModel } from "../apps/text/export_language_model.ts";
import { LanguageModel } from "../apps/text/language_model.ts";
// It brings onnxruntime-node, which the programs import.
import "../tools/onnx_runtime.ts";
import { pythonWith } from "../tools/python_with.ts";
import { withFolder } from "../tools/with_folder.ts";

const page = Deno.readTextFileSync(new URL("onnx.md", import.meta.url));
const modules = new URL("../node_modules", import.meta.url).pathname;

/** The programs of one language on the page: of the stock app, and of the text app. */
function programs(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\b.*\\n([^]*?)^\`\`\``, "gm"))].map(([, code]) => code!);
}

/** How to run a program, if this machine can. */
const runners: Record<string, { command: string | undefined; args: readonly string[] }> = {
  python: { command: pythonWith("onnxruntime"), args: [] },
  js: {
    command: Deno.execPath(),
    // As Node would: what it imports is found in node_modules.
    args: ["run", "--quiet", "--no-prompt", "--no-config", "--node-modules-dir=manual", "--allow-read", "--allow-ffi"],
  },
};

/** Runs a program beside a model; returns what it prints. */
async function run(language: string, index: number, { file, about }: OnnxExport, prices = ""): Promise<string> {
  let printed = "";
  await withFolder(async (folder) => {
    const program = `${folder}/program.${language === "js" ? "mjs" : "py"}`;
    await Deno.symlink(modules, `${folder}/node_modules`);
    await Deno.writeTextFile(program, programs(language)[index]!);
    await Deno.writeFile(`${folder}/model.onnx`, file);
    await Deno.writeTextFile(`${folder}/model.json`, JSON.stringify(about));
    await Deno.writeTextFile(`${folder}/prices.csv`, prices);
    const { command, args } = runners[language]!;
    const child = new Deno.Command(command!, { args: [...args, program], cwd: folder });
    const { success, stdout, stderr } = await child.output();
    assert.ok(success, new TextDecoder().decode(stderr));
    printed = new TextDecoder().decode(stdout);
  });
  return printed;
}

for (const [language, { command }] of Object.entries(runners)) {
  const ignore = command === undefined;

  Deno.test(`${language}: the page's program forecasts what the app does`, { ignore }, async () => {
    const random = new Random(1);
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
    const prices = csv(60);
    const printed = await run(language, 0, exportForecaster(forecaster), prices);
    const expected = forecaster.next(parsePrices(prices, "prices.csv")).steps.map(({ value }) => value);
    const numbers = printed.match(/[\d.]+/g)!.map(Number);
    assert.equal(numbers.length, 2);
    numbers.forEach((value, i) => assert.ok(Math.abs(value / expected[i]! - 1) < 1e-5, `${value}, ${expected[i]}`));
  });

  Deno.test(`${language}: the page's program writes a text by the model`, { ignore }, async () => {
    const vocabulary = [..."Calme r"];
    const model = new LanguageModel({
      tokens: "char",
      vocabulary,
      cell: "lstm",
      hidden: 8,
      layers: 2,
      embedding: 4,
      dropout: 0,
      tied: false,
    }, new Random(1));
    // The logits leave no choice.
    const { weight, bias } = model.output.parameters();
    weight!.data.fill(0);
    bias!.data[vocabulary.indexOf("r")] = 100;
    assert.equal(await run(language, 1, exportLanguageModel(model)), `Call me ${"r".repeat(200)}\n`);
  });
}
