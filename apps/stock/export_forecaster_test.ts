import { Random, scope, tensor } from "@unfold/core";
import assert from "node:assert/strict";
import { checkOnnx, hasOnnxChecker } from "../../tools/check_onnx.ts";
import { assertEqual, draw, OnnxModel } from "../../tools/onnx_runtime.ts";
import { exportForecaster } from "./export_forecaster.ts";
import { FEATURE_SETS } from "./features.ts";
import { Forecaster, type ForecasterConfig, MODELS } from "./forecaster.ts";

const files = new Map<string, Uint8Array>();

for (const model of MODELS) {
  for (const target of ["price", "direction", "volatility"] as const) {
    Deno.test(`${model}, ${target}: the exported network and its description give the app's forecast`, async () => {
      const random = new Random(1);
      const { names } = FEATURE_SETS.returns;
      const horizon = 3;
      const columns = target === "price" ? horizon : 1;
      const numbers = (count: number) => Array.from({ length: count }, () => random.uniform() + 0.5);
      const config: ForecasterConfig = {
        model,
        hidden: 64,
        target,
        horizon,
        window: 30,
        featureSet: "returns",
        features: names,
        featureScaler: { kind: "standard", mean: numbers(names.length), deviation: numbers(names.length) },
        targetScaler: { kind: "standard", mean: numbers(columns), deviation: numbers(columns) },
      };
      const forecaster = new Forecaster(config, random);
      const { file, about } = exportForecaster(forecaster);
      files.set(`${model} ${target}`, file);
      const input = draw(random, [5, 30, names.length]);
      const { output } = await (await OnnxModel.load(file)).run({ input });

      // What a program does that knows the description alone.
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
  assert.equal(files.size, 12);
  await checkOnnx(files);
});
