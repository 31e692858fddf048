import type { Tensor } from "@unfold/core";

/** Gates side by side, from one to before another. */
export interface Gates {
  /** The first. */
  readonly from: number;
  /** The one after the last. */
  readonly to: number;
}

/** The weights of one layer in one direction, or their gradients. */
export interface CellWeights {
  /** U, [inputSize, gates·hidden]. */
  readonly inputWeight: Tensor;
  /** W, [hidden, gates·hidden]. */
  readonly recurrentWeight: Tensor;
  /** b, [gates·hidden]; zeros in a layer without biases. */
  readonly bias: Tensor;
  /** The bias inside the recurrent product, [hidden]; zeros where there is none. */
  readonly recurrentBias: Tensor;
  /** What the normalised products of the inputs are multiplied with, [gates·hidden]; this and the next come together. */
  readonly inputGain?: Tensor;
  /** What the normalised recurrent products are multiplied with, [gates·hidden]. */
  readonly recurrentGain?: Tensor;
  /** What the normalised second state is multiplied with, [hidden], where the cell normalises it. */
  readonly cellGain?: Tensor;
  /** What is added to it, [hidden]; zeros where there is none. */
  readonly cellBias: Tensor;
}

/**
 * What a cell sees of a run over sequences. Everything is time-major: one time step of a batch lies in one piece, the time
 * steps one after the other. Offsets are in bytes; t counts time steps of the input, in whichever direction the run goes.
 */
export interface Frame {
  /** Sequences. */
  readonly batch: number;
  /** Time steps. */
  readonly time: number;
  /** Features of a state. */
  readonly hidden: number;
  /** Numbers in the gates of a sequence at a time step: gates·hidden. */
  readonly width: number;
  /** Bytes of a time step of one state. */
  readonly step: number;
  /** The weights. */
  readonly weights: CellWeights;
  /** The gates, [batch, gates·hidden]: products of the inputs before the forward step, activations after it. */
  gates(t: number): number;
  /** A state before the time step, [batch, hidden]. */
  before(state: number, t: number): number;
  /** The state after it. */
  after(state: number, t: number): number;
  /** What enters the recurrent products: the hidden state before the step, with its dropout mask if there is one. */
  input(t: number): number;
}

/** What a cell sees of the way back. */
export interface BackwardFrame {
  /** ∂loss/∂weights, zeros that the cell adds its part to: all but those of the inputs' products and of `bias`. */
  readonly gradients: CellWeights;
  /** ∂loss/∂output of a time step. */
  dOutput(t: number): number;
  /** ∂loss/∂gates before activation, to be written. */
  dGates(t: number): number;
  /** ∂loss/∂state after the step; the step turns it into what reaches the state before other than by the products. */
  dState(state: number): number;
  /** Where ∂loss/∂input goes, and whether it is added there. */
  readonly dInput: { readonly offset: number; readonly accumulate: boolean };
}

/** The steps back, and what is left to do after them. */
export interface CellBackward {
  /** Goes back over one time step. */
  step(t: number): void;
  /** Writes the gradients that all time steps share. */
  finish(): void;
}

/** A cell at work on one run. */
export interface CellRun {
  /** Makes ready what all time steps share; called in a scope that lasts for them. */
  forward(): (t: number) => void;
  /** The same for the way back. */
  backward(frame: BackwardFrame): CellBackward;
}

/** The gate equations of a recurrent layer. All else (projection, state, masks, direction, dropout) the cells share. */
export interface Cell {
  /** For messages. */
  readonly name: string;
  /** Blocks of `hidden` columns in the weights. */
  readonly gates: number;
  /** All gates, in the blocks whose products layer normalisation takes together; left out where the cell has none. */
  readonly blocks?: readonly Gates[];
  /** The names of the states; the hidden one, which is the output, comes first. */
  readonly states: readonly string[];
  /** Whether the hidden state before a step reaches the one after it other than through the recurrent products. */
  readonly direct: boolean;
  /** Whether there is a bias inside the recurrent product. */
  readonly recurrentBias: boolean;
  /** Whether layer normalisation also acts on the second state, where the output is made of it. */
  readonly cellNorm?: boolean;
  /** Writes the first values of the bias, which is 0 otherwise. */
  readonly initializeBias?: (data: Float32Array, hidden: number) => void;
  /** Allocates what the backward will need. */
  begin(frame: Frame): CellRun;
}
