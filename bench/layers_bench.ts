/** Recurrent layers: forward, forward with backward, and one step at a time; losses. */

import { Random, scope, sum, tensor } from "@unfold/core";
import {
  binaryCrossEntropy,
  gaussianNegativeLogLikelihood,
  GRU,
  huber,
  LSTM,
  meanAbsoluteError,
  meanSquaredError,
  quantileLoss,
  type RecurrentLayer,
  type RecurrentState,
  SimpleRNN,
  softmaxCrossEntropy,
} from "@unfold/layers";
import { drawTensor, ours, withBlas } from "./_measure.ts";

const random = new Random(1);
const cells = { LSTM, GRU, SimpleRNN };
const sizes = { inputSize: 8, hiddenSize: 64, random };
const x = drawTensor([32, 30, 8]);

for (const [name, Cell] of Object.entries(cells)) {
  const layer = new Cell(sizes) as RecurrentLayer<RecurrentState>;
  const baseline = name === "LSTM";
  ours(name, "forward, batch 32, 30 steps, 8→64", () => void layer.forward(x), { baseline, grad: false });
  const both = () => {
    sum(layer.forward(x)).backward();
    for (const parameter of Object.values(layer.parameters())) parameter.zeroGrad();
  };
  ours(name, "forward and backward, batch 32, 30 steps, 8→64", both, { baseline });
  if (baseline) withBlas("LSTM, OpenBLAS", "forward and backward, batch 32, 30 steps, 8→64", both);
}

for (const [name, Cell] of Object.entries(cells)) {
  const layer = new Cell({ inputSize: 64, hiddenSize: 128, random }) as RecurrentLayer<RecurrentState>;
  const input = drawTensor([1, 64]);
  using _ = scope();
  const state = Object.fromEntries(
    Object.entries(layer.initialState(1)).map(([key, { shape }]) => [key, drawTensor(shape)]),
  );
  ours(name, "a streaming step, batch 1, 64→128", () => void layer.step(input, state), {
    baseline: name === "LSTM",
    grad: false,
  });
}

const [prediction, target] = [drawTensor([256, 64]), drawTensor([256, 64], 2)];
const twice = drawTensor([256, 128]);
const zeroOne = tensor(target.data.map((value) => Number(value > 0)), { shape: [256, 64], persistent: true });
const classes = tensor(Int32Array.from({ length: 256 }, (_, i) => i % 64), { persistent: true });
const losses = {
  meanSquaredError: () => meanSquaredError(prediction, target),
  meanAbsoluteError: () => meanAbsoluteError(prediction, target),
  huber: () => huber(prediction, target),
  quantileLoss: () => quantileLoss(prediction, target, { quantile: 0.9 }),
  softmaxCrossEntropy: () => softmaxCrossEntropy(prediction, classes),
  binaryCrossEntropy: () => binaryCrossEntropy(prediction, zeroOne),
  gaussianNegativeLogLikelihood: () => gaussianNegativeLogLikelihood(twice, target),
};
for (const [name, loss] of Object.entries(losses)) {
  ours(name, "losses of 256×64", () => void loss(), { baseline: name === "meanSquaredError", grad: false });
}
