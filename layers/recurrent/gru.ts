import type { Tensor } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { kernels } from "../_kernels.ts";
import type { LayerArchitecture } from "../layer.ts";
import { type Cell, defineCell } from "./cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** The cell of a `GRU` whose reset gate acts after the recurrent product. The candidate's two products are gates of their own. */
export const gruCellResetAfter: Cell = defineCell({
  name: "GRU",
  gates: {
    reset: "sigmoid",
    update: "sigmoid",
    candidate: { activation: "linear", of: "input" },
    product: { activation: "linear", of: "state" },
  },
  blocks: [["reset", "update"], ["candidate", "product"]],
  states: ["hidden"],
  splitsRows: true,
  forward({ size, gates: { reset, update, candidate, product }, before, after }) {
    const [r, z, n, q] = [reset.offset, update.offset, candidate.offset, product.offset];
    kernels.gruAfter(size, r, z, n, q, before.hidden.offset, after.hidden.offset);
  },
  backward({ size, gates: { reset, update, candidate, product }, before, dAfter, dGates, dBefore }) {
    const [r, z, n, q] = [reset.offset, update.offset, candidate.offset, product.offset];
    const [dR, dZ, dN, dQ] = [dGates.reset, dGates.update, dGates.candidate.offset, dGates.product.offset];
    const [hidden, dHidden, dBeforeHidden] = [before.hidden.offset, dAfter.hidden.offset, dBefore.hidden.offset];
    kernels.gruAfterBackward(size, r, z, n, q, hidden, dHidden, dR.offset, dZ.offset, dN, dQ, dBeforeHidden);
  },
});

/** The cell of a `GRU` whose reset gate acts before the recurrent product, so that the candidate waits for it. */
export const gruCellResetBefore: Cell = defineCell({
  name: "GRU",
  gates: { reset: "sigmoid", update: "sigmoid", candidate: "tanh" },
  blocks: [["reset", "update"], ["candidate"]],
  states: ["hidden"],
  splitsRows: true,
  forward({ size, gates: { update, candidate }, before, after }) {
    kernels.gruMix(size, update.offset, candidate.offset, before.hidden.offset, after.hidden.offset);
  },
  backward({ size, gates: { update, candidate }, before, dAfter, dGates, dBefore }) {
    const [z, n, dZ, dN] = [update.offset, candidate.offset, dGates.update.offset, dGates.candidate.offset];
    kernels.gruMixBackward(size, z, n, before.hidden.offset, dAfter.hidden.offset, dZ, dN, dBefore.hidden.offset);
  },
  late: {
    gates: ["candidate"],
    forward({ size, gates: { reset }, input, lateInput }) {
      coreKernels.multiply(reset.offset, input.offset, lateInput.offset, 1, size, 0, 4, 0, 4);
    },
    backward({ size, gates: { reset }, input, dLateInput, dGates, dInput }) {
      const [d, dReset] = [dLateInput.offset, dGates.reset.offset];
      kernels.gruResetBackward(size, reset.offset, input.offset, d, dReset, dInput.offset);
    },
  },
});

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
 * Gated recurrent unit (Cho et al., 2014). At each time step
 *
 *     r = σ(x·U_r + h·W_r + b_r)     n = tanh(x·Uₙ + bₙ + r ⊙ (h·Wₙ + d))   with `resetAfter`
 *     z = σ(x·U_z + h·W_z + b_z)     n = tanh(x·Uₙ + bₙ + (r ⊙ h)·Wₙ)       without
 *
 * then h ← (1 − z) ⊙ n + z ⊙ h, and h is the output. U, W and b hold the gates side by side in the order r, z, n, as in PyTorch.
 * d is `recurrentBias`, [hiddenSize]; for r and z, b is the sum of PyTorch's two biases.
 *
 * With `layerNorm` each product with U or W is normalized, over r and z together and over n separately (Ba et al., 2016). The
 * gains of LN are `inputGain` and `recurrentGain`, [3·hiddenSize].
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
   * Creates the layer and initializes its weights.
   *
   * @throws {RangeError} If a size is not a positive integer, or a dropout is not in [0, 1).
   */
  constructor(options: GRUOptions) {
    const { resetAfter = true } = options;
    super(resetAfter ? gruCellResetAfter : gruCellResetBefore, options);
    this.resetAfter = resetAfter;
  }

  /** The options, except those about initial weights. */
  architecture(): LayerArchitecture {
    return this.describe(GRU, { type: "GRU", resetAfter: this.resetAfter });
  }
}
