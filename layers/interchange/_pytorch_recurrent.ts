import type { RecurrentState } from "../layer.ts";
import type { Recurrent, RecurrentPart } from "../recurrent.ts";
import { onnxCellOf } from "./_cells.ts";
import { combined, turnedTensor, twoBiases } from "./_foreign_modules.ts";
import type { ForeignModule } from "./layer_interchange.ts";

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
    bias && biasModule(part, suffix),
  );
}

function biasModule(part: RecurrentPart, suffix: string): ForeignModule {
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
