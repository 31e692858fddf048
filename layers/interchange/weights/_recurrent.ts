import type { RecurrentState } from "../../layer.ts";
import type { Recurrent, RecurrentPart } from "../../recurrent/recurrent.ts";
import { type OnnxCell, onnxCellOf, reorderGates } from "../_cells.ts";
import type { ForeignModule, KerasModule } from "../layer_interchange.ts";
import { combined, oneTensor, turnedTensor, twoBiases } from "./_modules.ts";

/** PyTorch's `nn.RNN`, `nn.LSTM` or `nn.GRU`: the gates lie as ours do, weights are turned, biases are two. */
export function pytorchRecurrent(layer: Recurrent<RecurrentState>): ForeignModule | string {
  const { parts, outputSize, hiddenSize } = layer;
  if (parts[0]!.weights.inputGain !== undefined) return "PyTorch has no layer normalisation in it";
  if (onnxCellOf(layer)!.resetAfter === false) return "PyTorch resets after the recurrent product alone";
  const directions = outputSize / hiddenSize;
  return combined(...parts.map((part, index) => {
    const suffix = `_l${Math.floor(index / directions)}${index % directions === 1 ? "_reverse" : ""}`;
    return partModule(part, suffix);
  }));
}

function partModule(part: RecurrentPart, suffix: string): ForeignModule {
  const { prefix, weights: { bias } } = part;
  const turned = (theirs: string, ours: "inputWeight" | "recurrentWeight") =>
    turnedTensor([theirs + suffix, prefix + ours], part.weights[ours].shape);
  return combined(
    turned("weight_ih", "inputWeight"),
    turned("weight_hh", "recurrentWeight"),
    bias && pytorchBiases(part, suffix),
  );
}

function pytorchBiases(part: RecurrentPart, suffix: string): ForeignModule {
  const [hidden, width] = part.weights.recurrentWeight.shape as [number, number];
  const biases = twoBiases(part, Array.from({ length: width / hidden }, (_, gate) => gate));
  const [inputs, recurrent] = [`bias_ih${suffix}`, `bias_hh${suffix}`];
  return {
    shapes: { [inputs]: [width], [recurrent]: [width] },
    read: (theirs) => biases.read(theirs[inputs]!, theirs[recurrent]!),
    write(ours) {
      const [a, b] = biases.write(ours);
      return { [inputs]: a, [recurrent]: b };
    },
  };
}

/** Keras's order of our gates; each is its own inverse. */
const CELLS = {
  RNN: { name: "simple_rnn", order: [0] },
  LSTM: { name: "lstm", order: [0, 1, 2, 3] },
  GRU: { name: "gru", order: [1, 0, 2] },
} as const satisfies Record<OnnxCell["op"], unknown>;

/** Keras's `SimpleRNN`, `LSTM` or `GRU`, in `Bidirectional` or not, one for each of our stacked layers. */
export function kerasRecurrent(layer: Recurrent<RecurrentState>): readonly KerasModule[] | string {
  const { parts, outputSize, hiddenSize } = layer;
  if (parts[0]!.weights.inputGain !== undefined) return "Keras has no layer normalisation in it";
  const { name, order } = CELLS[onnxCellOf(layer)!.op];
  const directions = outputSize / hiddenSize;
  return Array.from({ length: parts.length / directions }, (_, level) => {
    const [forward, backward] = parts.slice(level * directions, (level + 1) * directions) as [
      RecurrentPart,
      RecurrentPart?,
    ];
    if (backward === undefined) return { name, ...cellModule(forward, "cell", order) };
    const both = combined(
      cellModule(forward, "forward_layer/cell", order),
      cellModule(backward, "backward_layer/cell", order),
    );
    return { name: "bidirectional", ...both };
  });
}

function cellModule(part: RecurrentPart, path: string, order: readonly number[]): ForeignModule {
  const { prefix, weights: { inputWeight, recurrentWeight, bias } } = part;
  const [hidden, width] = recurrentWeight.shape as [number, number];
  const reordered = (index: number, name: string, shape: readonly number[]) => {
    const turn = (data: Float32Array<ArrayBuffer>) => reorderGates(data, { hidden, order });
    return oneTensor([`${path}/vars/${index}`, prefix + name], shape, { read: turn, write: turn });
  };
  return combined(
    reordered(0, "inputWeight", inputWeight.shape),
    reordered(1, "recurrentWeight", recurrentWeight.shape),
    bias &&
      (part.weights.recurrentBias === undefined
        ? reordered(2, "bias", [width])
        : kerasBiases(part, `${path}/vars/2`, order)),
  );
}

/** The biases of `reset_after`, [2, gates·hidden]. */
function kerasBiases(part: RecurrentPart, name: string, order: readonly number[]): ForeignModule {
  const width = part.weights.recurrentWeight.shape[1]!;
  const biases = twoBiases(part, order);
  return {
    shapes: { [name]: [2, width] },
    read: (theirs) => biases.read(theirs[name]!.slice(0, width), theirs[name]!.slice(width)),
    write: (ours) => ({ [name]: Float32Array.from(biases.write(ours).flatMap((bias) => [...bias])) }),
  };
}
