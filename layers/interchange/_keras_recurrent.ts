import type { RecurrentState } from "../layer.ts";
import type { Recurrent, RecurrentPart } from "../recurrent.ts";
import { type OnnxCell, onnxCellOf } from "./_cells.ts";
import { combined, oneTensor, twoBiases } from "./_foreign_modules.ts";
import { reorderGates } from "./_gates.ts";
import type { ForeignModule, KerasModule } from "./layer_interchange.ts";

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
        : biasModule(part, `${path}/vars/2`, order)),
  );
}

/** The biases of `reset_after`, [2, gates·hidden]. */
function biasModule(part: RecurrentPart, name: string, order: readonly number[]): ForeignModule {
  const width = part.weights.recurrentWeight.shape[1]!;
  const biases = twoBiases(part, order);
  return {
    shapes: { [name]: [2, width] },
    read: (theirs) => biases.read(theirs[name]!.slice(0, width), theirs[name]!.slice(width)),
    write: (ours) => ({ [name]: Float32Array.from(biases.write(ours).flatMap((bias) => [...bias])) }),
  };
}
