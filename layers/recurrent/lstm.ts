import type { Tensor } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { kernels } from "../_kernels.ts";
import type { LayerArchitecture } from "../layer.ts";
import { type Cell, defineCell } from "./cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** The cell of `LSTM`, which documents the equations. */
export const lstmCell: Cell = defineCell({
  name: "LSTM",
  gates: { input: "sigmoid", forget: { activation: "sigmoid", bias: 1 }, candidate: "tanh", output: "sigmoid" },
  states: ["hidden", "cell"],
  saved: ["tanhCell"],
  normalized: "cell",
  splitsRows: true,
  forward({ size, gates: { input, forget, candidate, output }, before, after, saved: { tanhCell: tanh }, norm }) {
    const [i, f, g, o] = [input.offset, forget.offset, candidate.offset, output.offset];
    const [cell, hidden] = [after.cell, after.hidden.offset];
    kernels.lstmForward(size, i, f, g, o, before.cell.offset, cell.offset, tanh.offset, hidden);
    if (norm === undefined) return;
    norm.forward(cell, tanh);
    kernels.lstmNormalizedOutput(size, o, tanh.offset, hidden);
  },
  backward({ size, gates: { input, forget, candidate, output }, before, saved, norm, dAfter, dGates, dBefore }) {
    const [i, f, g, o] = [input.offset, forget.offset, candidate.offset, output.offset];
    const [tanh, dHidden, dCell] = [saved.tanhCell.offset, dAfter.hidden.offset, dAfter.cell.offset];
    const [dI, dF, dG, dO] = [dGates.input, dGates.forget.offset, dGates.candidate.offset, dGates.output.offset];
    if (norm !== undefined) {
      // ∂loss/∂LN(c), in memory that is written afterwards.
      kernels.lstmNormalizedOutputBackward(size, o, tanh, dHidden, dI.offset);
      norm.backward(dI, dI);
      coreKernels.add(dCell, dI.offset, dCell, 1, size, 0, 4, 0, 4);
    }
    const backward = norm === undefined ? kernels.lstmBackward : kernels.lstmNormalizedBackward;
    const [cell, dBeforeCell] = [before.cell.offset, dBefore.cell.offset];
    backward(size, i, f, g, o, cell, tanh, dHidden, dCell, dI.offset, dF, dG, dO, dBeforeCell);
  },
});

/** The state of an {@linkcode LSTM}. */
export type LSTMState = {
  /** h, [batch, hiddenSize]. */
  readonly hidden: Tensor;
  /** c, [batch, hiddenSize]. */
  readonly cell: Tensor;
};

/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000). At each time step
 *
 *     i = σ(x·Uᵢ + h·Wᵢ + bᵢ)      g = tanh(x·U_g + h·W_g + b_g)      c ← f ⊙ c + i ⊙ g
 *     f = σ(x·U_f + h·W_f + b_f)   o = σ(x·Uₒ + h·Wₒ + bₒ)            h ← o ⊙ tanh(c)
 *
 * and h is the output. U, W and b hold the gates side by side in the order i, f, g, o, as in PyTorch. b is the sum of PyTorch's
 * two biases. U is initialized by {@linkcode glorotUniform}, W by {@linkcode orthogonal}, the forget gate's bias to 1 and the
 * other biases to 0.
 *
 * With `layerNorm` the gates are activations of LN(x·U) + LN(h·W) + b, each product normalized over all four gates, and
 * h ← o ⊙ tanh(LN(c)) (Ba et al., 2016). The gains of LN are `inputGain` and `recurrentGain`, [4·hiddenSize], and `cellGain`,
 * [hiddenSize]; LN(c) also has a bias, `cellBias`.
 *
 * The whole sequence is one entry on the tape. One product projects the inputs of all time steps, and the backward pass is
 * hand-written back-propagation through time.
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
   * Creates the layer and initializes its weights.
   *
   * @throws {RangeError} If a size is not a positive integer, or a dropout is not in [0, 1).
   */
  constructor(options: RecurrentOptions) {
    super(lstmCell, options);
  }

  /** The options, except those about initial weights. */
  architecture(): LayerArchitecture {
    return this.describe(LSTM, { type: "LSTM" });
  }
}
