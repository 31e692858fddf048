import { Random, scope, tensor } from "@unfold/core";
import assert from "node:assert/strict";
import { checkOnnx, hasOnnxChecker, OnnxModel } from "../../tools/onnx.ts";
import { assertEqual, draw, withFolder } from "../../tools/testing.ts";
import { stock } from "./_testing.ts";
import { exportForecaster } from "./export.ts";
import { FEATURE_SETS } from "./features.ts";
import { Forecaster, type ForecasterConfig, MODELS } from "./forecaster.ts";

const files = new Map<string, Uint8Array>();
const abouts = new Map<string, unknown>();

function make(model: ForecasterConfig["model"], target: ForecasterConfig["target"]): Forecaster {
  const random = new Random(1);
  const { names } = FEATURE_SETS.returns;
  const scaler = (columns: number) => {
    const numbers = () => Array.from({ length: columns }, () => random.uniform(0.5, 1.5));
    return { kind: "standard", mean: numbers(), deviation: numbers() } as const;
  };
  return new Forecaster({
    model,
    hidden: 64,
    target,
    horizon: 3,
    window: 30,
    featureSet: "returns",
    features: names,
    featureScaler: scaler(names.length),
    targetScaler: scaler(target === "price" ? 3 : 1),
  }, random);
}

for (const model of MODELS) {
  for (const target of ["price", "direction", "volatility"] as const) {
    Deno.test(`${model}, ${target}: the exported network with its description gives the app's forecast`, async () => {
      const random = new Random(1);
      const { names } = FEATURE_SETS.returns;
      const columns = target === "price" ? 3 : 1;
      const forecaster = make(model, target);
      const { file, about } = exportForecaster(forecaster);
      files.set(`${model} ${target}`, file);
      abouts.set(`${model} ${target}`, about);
      const input = draw(random, [5, 30, names.length]);
      const { output } = await (await OnnxModel.load(file)).run({ input });

      // What a program does that knows only the description.
      const { targetScaler: { mean, deviation } } = JSON.parse(JSON.stringify(about)) as ForecasterConfig;
      const y = output!.data.map((value, i) => value * deviation[i % columns]! + mean[i % columns]!);
      const data = y.map((value) => {
        return target === "direction"
          ? 1 / (1 + Math.exp(-value))
          : target === "volatility"
          ? Math.max(0, value)
          : value;
      });
      using _ = scope();
      const expected = forecaster.forecast(tensor([...input.data], { shape: input.shape }));
      assertEqual({ shape: [5, columns], data }, { shape: [5, columns], data: Float32Array.from(expected) }, model);
    });
  }
}

Deno.test("onnx.checker accepts the exported networks", { ignore: !hasOnnxChecker }, async () => {
  assert.equal(files.size, 15);
  for (const [name, metadata] of await checkOnnx(files)) {
    assert.deepEqual(metadata, { unfold: JSON.stringify(abouts.get(name)) }, name);
  }
});

Deno.test("export writes both files next to the model or elsewhere, or reports an error and writes nothing", () =>
  withFolder(async (folder) => {
    const model = `${folder}/model.safetensors`;
    const forecaster = make("gru", "price");
    forecaster.interval = { coverage: 0.9, radii: [0.1, 0.2, 0.3] };
    const bytes = forecaster.encode();
    await Deno.writeFile(model, bytes);
    const { code, stdout, stderr } = await stock(folder, "export", model);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^Written to \S+: model\.onnx, model\.onnx\.json\n\ninput: .*return, mean5.*\noutput: .*close·exp\(y\); the interval is y − radius to y \+ radius\n$/,
    );
    await Deno.mkdir(`${folder}/b`);
    await Deno.writeTextFile(`${folder}/b/c.json`, "another file");
    await stock(folder, "export", model, "--out", `${folder}/b/c.onnx`);
    assert.equal(await Deno.readTextFile(`${folder}/b/c.json`), "another file");
    assert.deepEqual(await Deno.readFile(`${folder}/b/c.onnx`), await Deno.readFile(`${folder}/model.onnx`));
    assert.deepEqual(JSON.parse(await Deno.readTextFile(`${folder}/b/c.onnx.json`)).interval, forecaster.interval);

    await Deno.writeFile(`${folder}/cut.safetensors`, bytes.subarray(0, -4));
    const refused: [args: string[], code: number, message: RegExp][] = [
      [[model, "--out", model], 2, /^error: --out must end in \.onnx, got /],
      [[`${folder}/cut.safetensors`], 1, /^error: Cannot read \S+cut\.safetensors: the data of /],
      [[`${folder}/none.safetensors`], 1, /^error: Cannot read \S+none\.safetensors: there is no such file\n$/],
      [[model, "--out", `${model}/x.onnx`], 1, /^error: Cannot write to /],
    ];
    const before = [...Deno.readDirSync(folder)].length;
    for (const [args, expected, message] of refused) {
      const { code, stdout, stderr } = await stock(folder, "export", ...args);
      assert.deepEqual([code, stdout], [expected, ""], stderr);
      assert.match(stderr, message);
    }
    assert.deepEqual(await Deno.readFile(model), bytes);
    assert.equal([...Deno.readDirSync(folder)].length, before);
  }));
