import type { Tensor } from "@unfold/core";
import { lstmCell } from "./_lstm_cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** The state of an {@linkcode LSTM}. */
export type LSTMState = {
  /** h, [batch, hiddenSize]. */
  readonly hidden: Tensor;
  /** c, [batch, hiddenSize]. */
  readonly cell: Tensor;
};

/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997; with a forget gate, Gers et al., 2000). For each time step
 *
 *     i = σ(x·Uᵢ + h·Wᵢ + bᵢ)      g = tanh(x·U_g + h·W_g + b_g)      c ← f ⊙ c + i ⊙ g
 *     f = σ(x·U_f + h·W_f + b_f)   o = σ(x·Uₒ + h·Wₒ + bₒ)            h ← o ⊙ tanh(c)
 *
 * and h is the output. U, W and b hold the four gates side by side in the order i, f, g, o, as in PyTorch; one bias
 * stands for PyTorch's sum of two. U starts by {@linkcode glorotUniform}, W {@linkcode orthogonal}, the forget gate's bias
 * at 1 and the others at 0.
 *
 * With `layerNorm` the gates are LN(x·U) + LN(h·W) + b, each product normalised over all four gates, and h ← o ⊙
 * tanh(LN(c)) (Ba et al., 2016). The gains of LN are `inputGain` and `recurrentGain`, [4·hiddenSize], and `cellGain`,
 * [hiddenSize], with `cellBias` added.
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
 * const { output, state } = lstm.run(zeros([2, 5, 3]), { lengths: [5, 3] });
 * assert.deepEqual(output.shape, [2, 5, 4]);
 * assert.deepEqual(state.cell.shape, [2, 4]);
 * ```
 */
export class LSTM extends Recurrent<LSTMState> {
  /**
   * Makes the layer with its first weights.
   *
   * @throws {RangeError} If a size is no integer of 1 or more, or a dropout does not lie in [0, 1).
   */
  constructor(options: RecurrentOptions) {
    super(lstmCell, options);
  }
}
