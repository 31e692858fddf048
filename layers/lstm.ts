import { type NamedParameters, Parameter, Random, reshape, type Tensor, zeros } from "@unfold/core";
import { checkShape, checkSize } from "./_check.ts";
import { lstmSequence } from "./_lstm_sequence.ts";
import { glorotUniform } from "./glorot_uniform.ts";
import type { RecurrentLayer, RecurrentResult, RunOptions } from "./layer.ts";
import { orthogonal } from "./orthogonal.ts";

/** The state of an {@linkcode LSTM}. */
export interface LSTMState {
  /** h, [batch, hiddenSize]. */
  readonly hidden: Tensor;
  /** c, [batch, hiddenSize]. */
  readonly cell: Tensor;
  /** Every tensor of the state, by name. */
  readonly [name: string]: Tensor;
}

/** Options for {@linkcode LSTM}. */
export interface LSTMOptions {
  /** Features of the input at each time step. */
  inputSize: number;
  /** Features of the state and of the output. */
  hiddenSize: number;
  /**
   * Where the first weights come from; pass a seeded one for weights that can be had again.
   *
   * @default {a Random with an arbitrary seed}
   */
  random?: Random;
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997; with a forget gate, Gers et al., 2000). For each time step t
 *
 *     i = σ(x·Uᵢ + h·Wᵢ + bᵢ)      g = tanh(x·U_g + h·W_g + b_g)      c ← f ⊙ c + i ⊙ g
 *     f = σ(x·U_f + h·W_f + b_f)   o = σ(x·Uₒ + h·Wₒ + bₒ)            h ← o ⊙ tanh(c)
 *
 * and h is the output. U, W and b hold the four gates side by side in the order i, f, g, o, as in PyTorch; one bias
 * stands for PyTorch's sum of two. U starts by {@linkcode glorotUniform}, W {@linkcode orthogonal}, the forget gate's bias
 * at 1 and the others at 0.
 *
 * The whole sequence is one entry on the tape: the inputs of all time steps are projected in one product, and the backward
 * is back-propagation through time, written out.
 *
 * @example
 * ```ts
 * import { zeros } from "@unfold/core";
 * import { LSTM } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const lstm = new LSTM({ inputSize: 3, hiddenSize: 4 });
 * const { output, state } = lstm.run(zeros([2, 5, 3]));
 * assert.deepEqual(output.shape, [2, 5, 4]);
 * assert.deepEqual(state.cell.shape, [2, 4]);
 * ```
 */
export class LSTM implements RecurrentLayer<LSTMState> {
  /** Features of the input at each time step. */
  readonly inputSize: number;
  /** Features of the state and of the output. */
  readonly hiddenSize: number;
  /** U, [inputSize, 4·hiddenSize]. */
  readonly inputWeight: Parameter;
  /** W, [hiddenSize, 4·hiddenSize]. */
  readonly recurrentWeight: Parameter;
  /** b, [4·hiddenSize]. */
  readonly bias: Parameter;

  /**
   * Makes the layer with its first weights.
   *
   * @throws {RangeError} If a size is no integer of 1 or more.
   */
  constructor(options: LSTMOptions) {
    const { inputSize, hiddenSize, random = Random.arbitrary() } = options;
    checkSize("LSTM", "inputSize", inputSize);
    checkSize("LSTM", "hiddenSize", hiddenSize);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.inputWeight = new Parameter([inputSize, 4 * hiddenSize], glorotUniform(random, { fanOut: hiddenSize }));
    this.recurrentWeight = new Parameter([hiddenSize, 4 * hiddenSize], orthogonal(random));
    this.bias = new Parameter([4 * hiddenSize], (data) => data.fill(1, hiddenSize, 2 * hiddenSize));
  }

  /** `inputWeight`, `recurrentWeight` and `bias`. */
  parameters(): NamedParameters {
    return { inputWeight: this.inputWeight, recurrentWeight: this.recurrentWeight, bias: this.bias };
  }

  /** The output of {@linkcode LSTM.run} from a state of zeros: [batch, time, inputSize] → [batch, time, hiddenSize]. */
  forward(x: Tensor): Tensor {
    return this.run(x).output;
  }

  /**
   * Runs over whole sequences.
   *
   * @param x [batch, time, inputSize].
   * @returns The output, [batch, time, hiddenSize], and the state after the last time step.
   * @throws {TypeError} If x or the state has another shape.
   */
  run(x: Tensor, options: RunOptions<LSTMState> = {}): RecurrentResult<LSTMState> {
    checkShape("run LSTM", "x", x, { batch: undefined, time: undefined, inputSize: this.inputSize });
    const batch = x.shape[0]!;
    const { hidden: h, cell: c } = options.state ?? this.initialState(batch);
    checkShape("run LSTM", "state.hidden", h, { batch, hiddenSize: this.hiddenSize });
    checkShape("run LSTM", "state.cell", c, { batch, hiddenSize: this.hiddenSize });
    const [output, hidden, cell] = lstmSequence(x, h, c, this.inputWeight, this.recurrentWeight, this.bias);
    return { output, state: { hidden, cell } };
  }

  /**
   * Runs one time step.
   *
   * @param x [batch, inputSize].
   * @param state The state before it.
   * @returns The output, [batch, hiddenSize], and the state after it.
   * @throws {TypeError} If x or the state has another shape.
   */
  step(x: Tensor, state: LSTMState): RecurrentResult<LSTMState> {
    checkShape("step LSTM", "x", x, { batch: undefined, inputSize: this.inputSize });
    const { state: next } = this.run(reshape(x, [x.shape[0]!, 1, this.inputSize]), { state });
    return { output: next.hidden, state: next };
  }

  /** A state of zeros for a batch. */
  initialState(batch: number): LSTMState {
    const shape = [batch, this.hiddenSize];
    return { hidden: zeros(shape), cell: zeros(shape) };
  }
}
