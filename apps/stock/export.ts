import { type LayerInterchange, toOnnx } from "@unfold/layers/interchange";
import type { OnnxExport } from "../shared/write_onnx.ts";
import { Flatten } from "./features.ts";
import type { Forecaster } from "./forecaster.ts";
import type { TargetName } from "./targets.ts";

const flatten: LayerInterchange<Flatten> = {
  of: Flatten,
  onnx(_, x, graph) {
    const [batch, window, features] = x.shape as [string, number, number];
    return graph.node("Reshape", [x, graph.integers([0, window * features])], { shape: [batch, window * features] });
  },
};

/** What comes of an output y that is no longer standardised. */
const MEANINGS: Readonly<Record<TargetName, string>> = {
  price: "y is the log return from the last close on, for each day ahead: the price is close·exp(y)",
  direction: "the probability of a rise over the horizon is 1/(1 + exp(−y))",
  volatility: "y, 0 at least, is the volatility of the days ahead: 100·√252·y in % a year",
};

/** A forecaster as an ONNX file, with what has to be done before and after it. */
export function exportForecaster(forecaster: Forecaster): OnnxExport {
  const { config, interval } = forecaster;
  const { window, features, model, target } = config;
  const about = {
    ...config,
    interval,
    preprocessing:
      `input: the features of the last ${window} days, each column (x − mean)/deviation by featureScaler: ` +
      features.join(", "),
    postprocessing: `output: y = output·deviation + mean by targetScaler; ${MEANINGS[target]}` +
      (interval === undefined ? "" : "; from y − radius to y + radius is the interval"),
  };
  const file = toOnnx(forecaster.network, {
    inputShape: ["batch", model === "mlp" ? window : "time", features.length],
    metadata: { unfold: JSON.stringify(about) },
    layers: [flatten],
  });
  return { file, about };
}
