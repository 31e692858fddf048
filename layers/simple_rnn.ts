import type { Tensor } from "@unfold/core";
import { simpleRnnCell } from "./_simple_rnn_cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** The state of a {@linkcode SimpleRNN}. */
export type SimpleRNNState = {
  /** s, [batch, hiddenSize]. */
  readonly hidden: Tensor;
};

/** Options for {@linkcode SimpleRNN}. */
export interface SimpleRNNOptions extends RecurrentOptions {
  /**
   * f.
   *
   * @default {"tanh"}
   */
  activation?: "tanh" | "relu";
}

/**
 * The simple recurrent network (Elman, 1990): for each time step s ← f(x·U + s·W + b), and s is the output. What the
 * textbooks call V is the `Dense` layer that follows.
 *
 * With `layerNorm` s ← f(LN(x·U) + LN(s·W) + b); the gains of LN are `inputGain` and `recurrentGain`, [hiddenSize].
 *
 * @example
 * ```ts
 * import { zeros } from "@unfold/core";
 * import { SimpleRNN } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const rnn = new SimpleRNN({ inputSize: 3, hiddenSize: 4, layers: 2, activation: "relu" });
 * const { output, state } = rnn.run(zeros([2, 5, 3]));
 * assert.deepEqual(output.shape, [2, 5, 4]);
 * assert.deepEqual(state.hidden.shape, [2, 8]);
 * ```
 */
export class SimpleRNN extends Recurrent<SimpleRNNState> {
  /** f. */
  readonly activation: "tanh" | "relu";

  /**
   * Makes the layer with its first weights.
   *
   * @throws {RangeError} If a size is no integer of 1 or more, a dropout does not lie in [0, 1), or the activation is unknown.
   */
  constructor(options: SimpleRNNOptions) {
    const { activation = "tanh" } = options;
    if (activation !== "tanh" && activation !== "relu") {
      throw new RangeError(
        `Cannot make SimpleRNN: activation must be "tanh" or "relu", got ${JSON.stringify(activation)}`,
      );
    }
    super(simpleRnnCell(activation === "relu"), options);
    this.activation = activation;
  }
}
