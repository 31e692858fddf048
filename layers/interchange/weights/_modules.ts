import type { Shape } from "@unfold/core";
import type { RecurrentState } from "../../layer.ts";
import { GRU } from "../../recurrent/gru.ts";
import { LSTM } from "../../recurrent/lstm.ts";
import type { Recurrent, RecurrentPart } from "../../recurrent/recurrent.ts";
import { SimpleRNN } from "../../recurrent/simple_rnn.ts";
import { reorderGates, transposed, twoBiases } from "../_gates.ts";
import type { ForeignModule, KerasModule } from "../layer_interchange.ts";

type Floats = Float32Array<ArrayBuffer>;

function identity(data: Floats): Floats {
  return data;
}

/** A module with one tensor; `read` and `write` convert its elements, which are the same on both sides by default. */
export function oneTensor(
  [theirs, ours]: readonly [theirs: string, ours: string],
  shape: Shape,
  { read = identity, write = identity }: { read?: (data: Floats) => Floats; write?: (data: Floats) => Floats } = {},
): ForeignModule {
  return {
    shapes: { [theirs]: shape },
    read: (tensors) => ({ [ours]: read(tensors[theirs]!) }),
    write: (parameters) => ({ [theirs]: write(parameters[ours]!) }),
  };
}

/** A module with one matrix, [columns, rows] there and [rows, columns] here. */
export function transposedTensor(names: readonly [theirs: string, ours: string], shape: Shape): ForeignModule {
  const [rows, columns] = shape as [number, number];
  return oneTensor(names, [columns, rows], {
    read: (data) => transposed(data, rows),
    write: (data) => transposed(data, columns),
  });
}

/** One module with the tensors of several, without those that are undefined. */
export function combined(...given: readonly (ForeignModule | undefined)[]): ForeignModule {
  const modules = given.filter((module) => module !== undefined);
  return {
    shapes: Object.assign({}, ...modules.map(({ shapes }) => shapes)),
    read: (theirs) => Object.assign({}, ...modules.map((module) => module.read(theirs))),
    write: (ours) => Object.assign({}, ...modules.map((module) => module.write(ours))),
  };
}

/** PyTorch's `nn.RNN`, `nn.LSTM` or `nn.GRU`: the same gate order, transposed weights, two biases. */
export function pytorchRecurrent(layer: Recurrent<RecurrentState>): ForeignModule | string {
  const { parts, outputSize, hiddenSize } = layer;
  if (parts[0]!.weights.inputGain !== undefined) return "PyTorch has no layer normalization inside a cell";
  if (layer instanceof GRU && !layer.resetAfter) return "PyTorch has no GRU that resets before the recurrent product";
  const directions = outputSize / hiddenSize;
  return combined(...parts.map((part, index) => {
    const suffix = `_l${Math.floor(index / directions)}${index % directions === 1 ? "_reverse" : ""}`;
    return pytorchPart(part, suffix);
  }));
}

function pytorchPart(part: RecurrentPart, suffix: string): ForeignModule {
  const { prefix, weights: { bias } } = part;
  const matrix = (theirs: string, ours: "inputWeight" | "recurrentWeight") =>
    transposedTensor([theirs + suffix, prefix + ours], part.weights[ours]!.shape);
  return combined(
    matrix("weight_ih", "inputWeight"),
    matrix("weight_hh", "recurrentWeight"),
    bias && pytorchBiases(part, suffix),
  );
}

function pytorchBiases(part: RecurrentPart, suffix: string): ForeignModule {
  const [hidden, width] = part.weights.recurrentWeight!.shape as [number, number];
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

/** Keras's name of each layer and its order of our gates; each order is its own inverse. */
const KERAS_CELLS = new Map<unknown, { readonly name: string; readonly order: readonly number[] }>([
  [SimpleRNN, { name: "simple_rnn", order: [0] }],
  [LSTM, { name: "lstm", order: [0, 1, 2, 3] }],
  [GRU, { name: "gru", order: [1, 0, 2] }],
]);

/** Keras's `SimpleRNN`, `LSTM` or `GRU`, in a `Bidirectional` if ours is; one for each stacked layer. */
export function kerasRecurrent(layer: Recurrent<RecurrentState>): readonly KerasModule[] | string {
  const { parts, outputSize, hiddenSize } = layer;
  if (parts[0]!.weights.inputGain !== undefined) return "Keras has no layer normalization inside a cell";
  const { name, order } = KERAS_CELLS.get(layer.constructor)!;
  const directions = outputSize / hiddenSize;
  return Array.from({ length: parts.length / directions }, (_, level) => {
    const [forward, backward] = parts.slice(level * directions, (level + 1) * directions) as [
      RecurrentPart,
      RecurrentPart?,
    ];
    if (backward === undefined) return { name, ...kerasPart(forward, "cell", order) };
    const both = combined(
      kerasPart(forward, "forward_layer/cell", order),
      kerasPart(backward, "backward_layer/cell", order),
    );
    return { name: "bidirectional", ...both };
  });
}

function kerasPart(part: RecurrentPart, path: string, order: readonly number[]): ForeignModule {
  const { prefix, weights: { inputWeight, recurrentWeight, bias } } = part;
  const [hidden, width] = recurrentWeight!.shape as [number, number];
  const reordered = (index: number, name: string, shape: readonly number[]) => {
    const reorder = (data: Floats) => reorderGates(data, { hidden, order });
    return oneTensor([`${path}/vars/${index}`, prefix + name], shape, { read: reorder, write: reorder });
  };
  return combined(
    reordered(0, "inputWeight", inputWeight.shape),
    reordered(1, "recurrentWeight", recurrentWeight!.shape),
    bias &&
      (part.weights.recurrentBias === undefined
        ? reordered(2, "bias", [width])
        : kerasBiases(part, `${path}/vars/2`, order)),
  );
}

/** The biases of a GRU with `reset_after`, [2, gates·hidden]. */
function kerasBiases(part: RecurrentPart, name: string, order: readonly number[]): ForeignModule {
  const width = part.weights.recurrentWeight!.shape[1]!;
  const biases = twoBiases(part, order);
  return {
    shapes: { [name]: [2, width] },
    read: (theirs) => biases.read(theirs[name]!.slice(0, width), theirs[name]!.slice(width)),
    write: (ours) => ({ [name]: Float32Array.from(biases.write(ours).flatMap((bias) => [...bias])) }),
  };
}
