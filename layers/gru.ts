import type { Tensor } from "@unfold/core";
import { gruCellResetAfter, gruCellResetBefore } from "./_gru_cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** The state of a {@linkcode GRU}. */
export type GRUState = {
  /** h, [batch, hiddenSize]. */
  readonly hidden: Tensor;
};

/** Options for {@linkcode GRU}. */
export interface GRUOptions extends RecurrentOptions {
  /**
   * Whether the reset gate acts after the recurrent product, as in PyTorch, cuDNN and Keras, or before it, as in the paper.
   *
   * @default {true}
   */
  resetAfter?: boolean;
}

/**
 * Gated recurrent unit (Cho et al., 2014). For each time step
 *
 *     r = σ(x·U_r + h·W_r + b_r)     n = tanh(x·Uₙ + bₙ + r ⊙ (h·Wₙ + d))   with `resetAfter`
 *     z = σ(x·U_z + h·W_z + b_z)     n = tanh(x·Uₙ + bₙ + (r ⊙ h)·Wₙ)       without
 *
 * then h ← (1 − z) ⊙ n + z ⊙ h, and h is the output. U, W and b hold the three gates side by side in the order r, z, n, as
 * in PyTorch; d is `recurrentBias`, [hiddenSize], and for the other two gates one bias stands for PyTorch's sum of two.
 *
 * With `layerNorm` each product with U or W is normalised, over r and z together and over n on its own (Ba et
 * al., 2016). The gains of LN are `inputGain` and `recurrentGain`, [3·hiddenSize].
 *
 * @example
 * ```ts
 * import { zeros } from "@unfold/core";
 * import { GRU } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const gru = new GRU({ inputSize: 3, hiddenSize: 4, bidirectional: true });
 * assert.deepEqual(gru.forward(zeros([2, 5, 3])).shape, [2, 5, 8]);
 * ```
 */
export class GRU extends Recurrent<GRUState> {
  /** Whether the reset gate acts after the recurrent product. */
  readonly resetAfter: boolean;

  /**
   * Makes the layer with its first weights.
   *
   * @throws {RangeError} If a size is no integer of 1 or more, or a dropout does not lie in [0, 1).
   */
  constructor(options: GRUOptions) {
    const { resetAfter = true } = options;
    super(resetAfter ? gruCellResetAfter : gruCellResetBefore, options);
    this.resetAfter = resetAfter;
  }
}
