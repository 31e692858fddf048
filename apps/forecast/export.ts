import type { OnnxGraph, OnnxValue } from "@unfold/layers/interchange";
import { type LayerInterchange, toOnnx } from "@unfold/layers/interchange";
import type { OnnxExport } from "../shared/write_onnx.ts";
import type { Forecaster } from "./forecaster.ts";
import { GlobalNetwork } from "./network.ts";
import { LEVELS } from "./quantiles.ts";

/** Some rows of a matrix, or some columns. */
function part(
  x: OnnxValue,
  graph: OnnxGraph,
  { axis, from, to }: { axis: 0 | 1; from: number; to: number },
): OnnxValue {
  const bounds = [from, to, axis].map((bound) => graph.integers([bound]));
  return graph.node("Slice", [x, ...bounds], { shape: x.shape.with(axis, to - from) });
}

function reshape(x: OnnxValue, graph: OnnxGraph, lengths: readonly number[]): OnnxValue {
  return graph.node("Reshape", [x, graph.integers([0, ...lengths])], { shape: [x.shape[0]!, ...lengths] });
}

const network: LayerInterchange<GlobalNetwork> = {
  of: GlobalNetwork,
  onnx({ config, encoder, last, series, places, hidden, output, straight }, x, graph) {
    const { past, segment, ahead } = config;
    const length = past * segment;
    const steps = ahead * segment;
    const matmul = (a: OnnxValue, b: OnnxValue) =>
      graph.node("MatMul", [a, b], { shape: a.shape.with(-1, b.shape.at(-1)!) });
    const window = part(x, graph, { axis: 1, from: 0, to: length });
    const number = reshape(part(x, graph, { axis: 1, from: length, to: length + 1 }), graph, []);
    const ids = graph.node("Cast", [number], { shape: number.shape, dtype: "i32", attributes: { to: 6 } });
    const embedded = graph.node("Gather", [graph.parameter(series.weight), ids], {
      shape: [x.shape[0]!, series.weight.shape[1]!],
    });
    const states = graph.layer(encoder, reshape(window, graph, [past, segment]), { name: "encoder" });
    const state = graph.layer(last, states, { name: "last" });
    // The rows of the weight that the parts of its input meet, so that nothing is repeated for each segment.
    const weight = graph.parameter(hidden.weight);
    const [size, place] = [config.hidden, places.weight.shape[1]!];
    const rows = (from: number, to: number) => part(weight, graph, { axis: 0, from, to });
    const common = graph.node("Add", [
      matmul(state, rows(0, size)),
      matmul(embedded, rows(size + place, weight.shape[0] as number)),
    ], { shape: state.shape });
    const placed = matmul(graph.parameter(places.weight), rows(size, size + place));
    const shape = [x.shape[0]!, ahead, size];
    const sum = graph.node("Add", [reshape(common, graph, [1, size]), placed], { shape });
    const biased = graph.node("Add", [sum, graph.parameter(hidden.bias!)], { shape });
    const curved = graph.layer(output, graph.node("Relu", [biased], { shape }), { name: "output" });
    const line = reshape(matmul(window, graph.parameter(straight.weight)), graph, [steps, 1]);
    return graph.node("Add", [reshape(curved, graph, [steps, LEVELS.length]), line], {
      shape: [x.shape[0]!, steps, LEVELS.length],
    });
  },
};

/**
 * Exports the networks of a forecaster as ONNX, each with its preprocessing and postprocessing in words.
 *
 * @throws {RangeError} If it has none.
 */
export function exportNetworks(
  { models, config: { use, factors, horizon, season, frequency } }: Forecaster,
): OnnxExport[] {
  if (models.length === 0) {
    throw new RangeError("Cannot export: the model file must have a network, got none; train one without --no-network");
  }
  return models.map(({ network: layer, config }) => {
    const { past, segment, scale, ids } = config;
    const length = past * segment;
    const isLog = scale === "log";
    const values = isLog ? "the natural logarithms of the values" : "the values";
    const others = models.length > 1
      ? ` Then the mean over the ${models.length} networks of the same run, quantile by quantile.`
      : "";
    const about = {
      ...{ horizon, season, frequency, scale, levels: LEVELS, ids, use },
      factors: factors.network,
      preprocessing:
        `input: [batch, ${
          length + 1
        }]. The last ${length} steps of a series, ${values}, less their mean and over their ` +
        "standard deviation (of the population, the mean of squares). A shorter series has zeros before its first value, and " +
        "only its values count for mean and deviation. The last column is the position of the series in ids, counted from 1, " +
        "or 0 for a series that is not in it.",
      postprocessing:
        `output: [batch, ${
          config.ahead * segment
        }, ${LEVELS.length}], the quantiles of each step ahead at levels; the ` +
        `first ${horizon} steps count. Sort the quantiles of a step, multiply with the deviation and add the mean` +
        `${
          isLog ? ", and take the exponential" : ""
        }.${others} Then bring each quantile q to m + f·(q − m), where m is the ` +
        "median and f its number in factors, for the quantile and the step, so that the intervals hold what they promise. Quantiles of a series that was " +
        "never below 0 are at least 0.",
    };
    const file = toOnnx(layer, {
      inputShape: ["batch", length + 1],
      metadata: { unfold: JSON.stringify(about) },
      layers: [network],
    });
    return { file, about };
  });
}
