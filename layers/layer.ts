import type { DType, NamedParameters, Tensor } from "@unfold/core";

/** Options for {@linkcode Layer.forward}. */
export interface ForwardOptions {
  /**
   * Time steps of each sequence; the steps after them are padding.
   *
   * @default {every sequence has all time steps}
   */
  lengths?: readonly number[];
}

/** A part of a model: parameters, and a function of one tensor. */
export interface Layer {
  /** The learned parameters by name. */
  parameters(): NamedParameters;
  /** Computes the output and records it on the tape for `backward()`. Tokens are integers. */
  forward(x: Tensor<DType>, options?: ForwardOptions): Tensor;
  /** Forgets any state that is carried from call to call. */
  reset?(): void;
}

/**
 * The state of a recurrent layer between two time steps: tensors of shape [batch, hiddenSize] by name. A stacked or
 * bidirectional layer concatenates the states of its parts, [batch, parts·hiddenSize]: layer by layer, forward first.
 */
export type RecurrentState = Readonly<Record<string, Tensor>>;

/** What {@linkcode RecurrentLayer.run} and {@linkcode RecurrentLayer.step} return. */
export interface RecurrentResult<State extends RecurrentState> {
  /** The output: [batch, time, outputSize] for a run, [batch, outputSize] for a step. */
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
   * Time steps of each sequence in the batch; the steps after them are padding and are ignored. In the padding the output is
   * 0, the state does not change, and no gradient flows.
   *
   * @default {every sequence has all time steps}
   */
  lengths?: readonly number[];
}

/** A layer that processes a sequence step by step and passes a state from step to step. */
export interface RecurrentLayer<State extends RecurrentState = RecurrentState> extends Layer {
  /** Features of the input at each time step. */
  readonly inputSize: number;
  /** Features of the state of one layer in one direction. */
  readonly hiddenSize: number;
  /** Features of the output at each time step: hiddenSize, or twice that if the layer is bidirectional. */
  readonly outputSize: number;
  /** Runs over whole sequences, [batch, time, inputSize]. */
  run(x: Tensor, options?: RunOptions<State>): RecurrentResult<State>;
  /** Runs one time step, [batch, inputSize]: for input that arrives one step at a time. */
  step(x: Tensor, state: State): RecurrentResult<State>;
  /** The state before the first time step: zeros. */
  initialState(batch: number): State;
}
