/**
 * Draws `layers/docs/gradient_flow.svg`: the norm of ∂loss/∂s_t over 100 time steps for untrained tanh, ReLU, LSTM and GRU layers.
 * The loss depends on the last step only.
 *
 *     deno task picture gradients
 *
 * @module
 */

import { Random, sum, tensor } from "@unfold/core";
import { gradientFlow, GRU, LastStep, LSTM, SimpleRNN, uniform } from "@unfold/layers";
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

const [TIME, BATCH, INPUT, HIDDEN] = [100, 32, 8, 64];

/** Gives all cells the same initial weights: PyTorch's uniform ones. */
function initialize<
  Layer extends { parameters(): Readonly<Record<string, { data: Float32Array; shape: readonly number[] }>> },
>(
  layer: Layer,
  random: Random,
): Layer {
  const draw = uniform(random, { bound: 1 / Math.sqrt(HIDDEN) });
  for (const [name, { data, shape }] of Object.entries(layer.parameters())) {
    if (name.endsWith("Weight")) draw(data, shape);
  }
  return layer;
}

const random = new Random(1);
const options = { inputSize: INPUT, hiddenSize: HIDDEN, random };
const layers = {
  "tanh": initialize(new SimpleRNN(options), random),
  "ReLU": initialize(new SimpleRNN({ ...options, activation: "relu" }), random),
  "LSTM": initialize(new LSTM(options), random),
  "GRU": initialize(new GRU(options), random),
};
const x = tensor(Float32Array.from({ length: BATCH * TIME * INPUT }, () => random.normal()), {
  shape: [BATCH, TIME, INPUT],
});
const last = new LastStep();

const values = Object.entries(layers).flatMap(([cell, layer]) => {
  const norms = gradientFlow(layer, x, (output) => sum(last.forward(output)));
  const end = norms.at(-1)!;
  // Smaller values would stretch the axis and flatten the rest.
  return [...norms].map((norm, t) => ({ cell, step: t + 1, norm: Math.max(norm / end, 1e-20) })).filter(({ norm }) =>
    norm > 1e-20
  );
});

const spec = {
  background: "white",
  padding: 16,
  width: 720,
  height: 340,
  title: {
    text: "How much of the gradient at step 100 reaches each step before it",
    subtitle: "‖∂loss/∂s_t‖ relative to the last step, on a logarithmic scale; 64 features, uniform first weights",
    fontSize: 15,
    anchor: "start",
  },
  data: { values },
  mark: { type: "line", strokeWidth: 2 },
  encoding: {
    x: {
      field: "step",
      type: "quantitative",
      scale: { domain: [1, TIME], nice: false },
      axis: { title: "time step t", grid: false },
    },
    y: {
      field: "norm",
      type: "quantitative",
      scale: { type: "log" },
      axis: { title: null, format: ".0e", tickCount: 8 },
    },
    color: {
      field: "cell",
      type: "nominal",
      scale: { domain: Object.keys(layers), range: ["#1c7ed6", "#e8590c", "#2b8a3e", "#9c36b5"] },
      legend: { title: null, orient: "right", labelFontSize: 13, symbolStrokeWidth: 3 },
    },
  },
  config: { view: { stroke: null }, axis: { labelFontSize: 11, titleFontSize: 12 } },
};
const svg = await new View(parse(compile(spec as TopLevelSpec).spec), { renderer: "none" }).toSVG();
Deno.writeTextFileSync(new URL("../layers/docs/gradient_flow.svg", import.meta.url), `${svg}\n`);
