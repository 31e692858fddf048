import type { Tensor } from "@unfold/core";

/** A range of adjacent gates. */
export interface Gates {
  /** The index of the first. */
  readonly from: number;
  /** The index after the last. */
  readonly to: number;
}

/** The weights of one layer in one direction, or their gradients. */
export interface CellWeights {
  /** U, [inputSize, gates·hidden]. */
  readonly inputWeight: Tensor;
  /** W, [hidden, gates·hidden]. */
  readonly recurrentWeight: Tensor;
  /** b, [gates·hidden]; zeros if the layer has no biases. */
  readonly bias: Tensor;
  /** The bias inside the recurrent product, [hidden]; zeros if the cell has none. */
  readonly recurrentBias: Tensor;
  /** The gain of the normalized input products, [gates·hidden]. It and `recurrentGain` come together. */
  readonly inputGain?: Tensor;
  /** The gain of the normalized recurrent products, [gates·hidden]. */
  readonly recurrentGain?: Tensor;
  /** The gain of the normalized second state, [hidden], if the cell normalizes it. */
  readonly cellGain?: Tensor;
  /** The bias of the normalized second state, [hidden]; zeros if there is none. */
  readonly cellBias: Tensor;
}

/**
 * What a cell sees of a run over sequences. All memory is time-major: the rows of one time step are contiguous, and the steps
 * follow each other. Offsets are in bytes. t is the time step in the input, in both directions.
 */
export interface Frame {
  /** The number of sequences. */
  readonly batch: number;
  /** The number of time steps. */
  readonly time: number;
  /** Features of a state. */
  readonly hidden: number;
  /** Columns of the gates at a time step: gates·hidden. */
  readonly width: number;
  /** Bytes of one state at one time step. */
  readonly step: number;
  /** The weights. */
  readonly weights: CellWeights;
  /** The gates, [batch, gates·hidden]: input products before the forward step, activations after it. */
  gates(t: number): number;
  /** A state before the step, [batch, hidden]. */
  before(state: number, t: number): number;
  /** A state after the step. */
  after(state: number, t: number): number;
  /** The input of the recurrent products: the hidden state before the step, times the dropout mask if there is one. */
  input(t: number): number;
}

/** What a cell sees of the backward pass. */
export interface BackwardFrame {
  /** ∂loss/∂weights, initially zeros. The cell adds to all of them except those of the input products and `bias`. */
  readonly gradients: CellWeights;
  /** ∂loss/∂output at a time step. */
  dOutput(t: number): number;
  /** ∂loss/∂gates before activation, written by the step. */
  dGates(t: number): number;
  /** ∂loss/∂state after the step. The step replaces it with the part that reaches the previous state directly. */
  dState(state: number): number;
  /** Where to write ∂loss/∂input, and whether to add to what is there. */
  readonly dInput: { readonly offset: number; readonly accumulate: boolean };
}

/** The backward steps of a cell, and the work after them. */
export interface CellBackward {
  /** Runs one time step backward. */
  step(t: number): void;
  /** Writes the gradients of the shared weights, after the last step. */
  finish(): void;
}

/** The work of a cell in one run. */
export interface CellRun {
  /** Prepares what all time steps share, such as packed weights, in a scope that stays open for them. Returns the step. */
  forward(): (t: number) => void;
  /** Prepares the backward pass in the same way. */
  backward(frame: BackwardFrame): CellBackward;
}

/** The gate equations of a recurrent layer. {@linkcode Recurrent} does everything else. */
export interface Cell {
  /** The name for messages. */
  readonly name: string;
  /** The number of blocks of `hidden` columns in the weights. */
  readonly gates: number;
  /** All gates, grouped into the blocks that layer normalization covers together; omitted if the cell does not support it. */
  readonly blocks?: readonly Gates[];
  /** The names of the states. The hidden state, which is the output, comes first. */
  readonly states: readonly string[];
  /** Whether the hidden state also reaches the next one directly, not only through the recurrent products. */
  readonly direct: boolean;
  /** Whether the cell has a bias inside the recurrent product. */
  readonly recurrentBias: boolean;
  /** Whether layer normalization also covers the second state on its way to the output. */
  readonly cellNorm?: boolean;
  /** Initializes the bias, which is 0 by default. */
  readonly initializeBias?: (data: Float32Array, hidden: number) => void;
  /** Starts a run: allocates what the backward pass needs. */
  begin(frame: Frame): CellRun;
}
