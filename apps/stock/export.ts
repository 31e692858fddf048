import { type LayerInterchange, toOnnx } from "@unfold/layers/interchange";
import type { OnnxExport } from "../shared/write_onnx.ts";
import { Flatten, type Forecaster } from "./forecaster.ts";
import type { TargetName } from "./targets.ts";

const flatten: LayerInterchange<Flatten> = {
  of: Flatten,
  onnx(_, x, graph) {
    const [batch, window, features] = x.shape as [string, number, number];
    return graph.node("Reshape", [x, graph.integers([0, window * features])], { shape: [batch, window * features] });
  },
};

/** How to read an unscaled output y. */
const MEANINGS: Readonly<Record<TargetName, string>> = {
  price: "y is the log return from the last close to each day ahead: price = close·exp(y)",
  direction: "the probability that the price rises over the horizon is 1/(1 + exp(−y))",
  volatility: "max(y, 0) is the volatility of the days ahead: 100·√252·y in % a year",
};

/** Exports a forecaster as ONNX, with its preprocessing and postprocessing in words. */
export function exportForecaster(forecaster: Forecaster): OnnxExport {
  const { config, interval } = forecaster;
  const { window, features, model, target } = config;
  const about = {
    ...config,
    interval,
    preprocessing:
      `input: the features of the last ${window} days, each column scaled by featureScaler, (x − mean)/deviation: ` +
      features.join(", "),
    postprocessing: `output: unscale by targetScaler, y = output·deviation + mean; ${MEANINGS[target]}` +
      (interval === undefined ? "" : "; the interval is y − radius to y + radius"),
  };
  const file = toOnnx(forecaster.network, {
    inputShape: ["batch", model === "mlp" ? window : "time", features.length],
    metadata: { unfold: JSON.stringify(about) },
    layers: [flatten],
  });
  return { file, about };
}
