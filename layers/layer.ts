import type { DType, NamedParameters, Tensor } from "@unfold/core";

/** What a {@linkcode Layer} may be told about its input. */
export interface ForwardOptions {
  /**
   * Time steps of each sequence; what comes after them is padding.
   *
   * @default {all of them have all time steps}
   */
  lengths?: readonly number[];
}

/** A part of a model: parameters, and a function of one tensor. */
export interface Layer {
  /** What is learned, by name. */
  parameters(): NamedParameters;
  /** Computes the output; what it records on the tape, `backward()` goes back through. Tokens come as integers. */
  forward(x: Tensor<DType>, options?: ForwardOptions): Tensor;
  /** Lets go of a state that is carried from call to call, where there is one. */
  reset?(): void;
}

/**
 * The state of a recurrent layer between two time steps: tensors of [batch, hiddenSize] by name. A stacked or bidirectional
 * layer has the states of its parts side by side, [batch, parts·hiddenSize]: layer by layer, forward before backward.
 */
export type RecurrentState = Readonly<Record<string, Tensor>>;

/** What {@linkcode RecurrentLayer.run} and {@linkcode RecurrentLayer.step} return. */
export interface RecurrentResult<State extends RecurrentState> {
  /** The output: [batch, time, outputSize] of a run, [batch, outputSize] of a step. */
  output: Tensor;
  /** The state after the last time step. */
  state: State;
}

/** Options for {@linkcode RecurrentLayer.run}. */
export interface RunOptions<State extends RecurrentState> {
  /**
   * The state before the first time step.
   *
   * @default {zeros}
   */
  state?: State;
  /**
   * Time steps of each sequence in the batch; what comes after them is padding, and not looked at. There the output is 0,
   * the state stays as it was, and no gradient flows.
   *
   * @default {all of them have all time steps}
   */
  lengths?: readonly number[];
}

/** A layer that goes through a sequence step by step, carrying a state. */
export interface RecurrentLayer<State extends RecurrentState = RecurrentState> extends Layer {
  /** Features of the input at each time step. */
  readonly inputSize: number;
  /** Features of the state of one layer in one direction. */
  readonly hiddenSize: number;
  /** Features of the output at each time step: hiddenSize, or twice that in both directions. */
  readonly outputSize: number;
  /** Runs over whole sequences, [batch, time, inputSize]. */
  run(x: Tensor, options?: RunOptions<State>): RecurrentResult<State>;
  /** Runs one time step, [batch, inputSize]: for input that comes as it happens. */
  step(x: Tensor, state: State): RecurrentResult<State>;
  /** The state before anything was seen: zeros. */
  initialState(batch: number): State;
}
