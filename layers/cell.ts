/**
 * What a cell sees of a run over sequences. Everything is time-major: one time step of a batch lies in one piece. Offsets are
 * in bytes; t counts time steps of the input, in whichever direction the run goes.
 */
export interface Frame {
  /** Sequences. */
  readonly batch: number;
  /** Time steps. */
  readonly time: number;
  /** Features of a state. */
  readonly hidden: number;
  /** Bytes of a time step of one state. */
  readonly step: number;
  /** The gates, [batch, gates·hidden]: products of the inputs before the forward step, activations after it. */
  gates(t: number): number;
  /** A state before the time step, [batch, hidden]. */
  before(state: number, t: number): number;
  /** The state after it. */
  after(state: number, t: number): number;
  /** What enters the recurrent products: the hidden state before the step, with its dropout mask if there is one. */
  input(t: number): number;
  /** W, [hidden, gates·hidden]. */
  readonly recurrentWeight: number;
  /** b, [gates·hidden]. */
  readonly bias: number;
  /** The bias inside the recurrent product, [hidden]. */
  readonly recurrentBias: number;
}

/** What a cell sees of the way back. */
export interface BackwardFrame {
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
  /** Writes ∂loss/∂recurrentWeight and adds ∂loss/∂recurrentBias. */
  finish(dRecurrentWeight: number, dRecurrentBias: number): void;
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
  /** The names of the states; the hidden one, which is the output, comes first. */
  readonly states: readonly string[];
  /** Whether the state before a step reaches the one after it other than through the recurrent products. */
  readonly direct: boolean;
  /** Whether there is a bias inside the recurrent product. */
  readonly recurrentBias: boolean;
  /** Writes the first values of the bias, which is 0 otherwise. */
  readonly initializeBias?: (data: Float32Array, hidden: number) => void;
  /** Allocates what the backward will need. */
  begin(frame: Frame): CellRun;
}
