import type { CellName } from "./choices.ts";

/** How much a network takes, in floats. The parts of a network add up ({@linkcode sum}). */
export interface Sizes {
  /** Weights to learn. */
  readonly weights: number;
  /** Floats that a training step holds for the whole batch: values, their gradients, and what the backward pass reads. */
  readonly step: number;
}

/** The sequences of a batch. */
export interface BatchSize {
  readonly batch: number;
  readonly time: number;
}

const GATES: Readonly<Record<CellName, number>> = { lstm: 4, gru: 3, rnn: 1, relu: 1 };
/** Blocks of `hidden` floats that a layer holds for a row of a time step: gates, states, outputs, and their gradients. */
const BLOCKS: Readonly<Record<CellName, number>> = { lstm: 13, gru: 12, rnn: 5, relu: 5 };

/** The sizes of recurrent layers that `makeRecurrent` makes. */
export function recurrentSizes(
  { cell, inputSize, hidden, layers = 1, bidirectional = false }: {
    readonly cell: CellName;
    readonly inputSize: number;
    readonly hidden: number;
    readonly layers?: number | undefined;
    readonly bidirectional?: boolean;
  },
  { batch, time }: BatchSize,
): Sizes {
  const directions = bidirectional ? 2 : 1;
  const width = GATES[cell] * hidden;
  const biases = width + (cell === "gru" ? hidden : 0);
  const layerOf = (features: number): Sizes => ({
    weights: directions * ((features + hidden) * width + biases),
    // The input comes in the order of time too, and has a gradient in both orders.
    step: batch * time * directions * (3 * features + BLOCKS[cell] * hidden),
  });
  const [first, other] = [layerOf(inputSize), layerOf(directions * hidden)];
  return {
    weights: first.weights + (layers - 1) * other.weights,
    step: first.step + (layers - 1) * other.step,
  };
}

/** The sizes of an embedding. */
export function embeddingSizes(
  { vocabulary, features }: { readonly vocabulary: number; readonly features: number },
  { batch, time }: BatchSize,
): Sizes {
  return { weights: vocabulary * features, step: batch * time * features };
}

/** The sizes of a dense layer for some rows. */
export function denseSizes(
  { inputs, outputs, rows, tied = false, bias = true }: {
    readonly inputs: number;
    readonly outputs: number;
    readonly rows: number;
    /** Whether it has only a bias by itself. */
    readonly tied?: boolean;
    readonly bias?: boolean;
  },
): Sizes {
  // The outputs, what the loss keeps of them, and their gradients.
  return { weights: ((tied ? 0 : inputs) + Number(bias)) * outputs, step: rows * (inputs + 3 * outputs) };
}

/** The sizes of a network by those of its parts. */
export function sum(...parts: readonly Sizes[]): Sizes {
  return {
    weights: parts.reduce((total, { weights }) => total + weights, 0),
    step: parts.reduce((total, { step }) => total + step, 0),
  };
}
