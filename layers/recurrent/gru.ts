import { empty, type Tensor } from "@unfold/core";
import { coreKernels, scratch } from "@unfold/core/kernels";
import { kernels } from "../_kernels.ts";
import { recurrentProduct } from "./_product.ts";
import type { Cell } from "./cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

const RESET_UPDATE = { from: 0, to: 2 };
const CANDIDATE = { from: 2, to: 3 };

const SHARED = {
  name: "GRU",
  gates: 3,
  blocks: [RESET_UPDATE, CANDIDATE],
  states: ["hidden"],
  direct: true,
} as const;

/** The cell of a `GRU` whose reset gate acts after the recurrent product. */
export const gruCellResetAfter: Cell = {
  ...SHARED,
  recurrentBias: true,
  begin(frame) {
    const { batch, time, hidden, width, weights } = frame;
    const product = recurrentProduct(frame, SHARED.blocks);
    const products = empty([time, batch, width]);
    const productsAt = (t: number) => products.offset + 4 * t * batch * width;
    return {
      forward() {
        const multiply = product.forward();
        return (t) => {
          const p = productsAt(t);
          multiply(t, frame.input(t), { offset: p, accumulate: false });
          const [bias, recurrentBias] = [weights.bias.offset, weights.recurrentBias.offset];
          const [before, after] = [frame.before(0, t), frame.after(0, t)];
          kernels.gruAfterForward(batch, hidden, frame.gates(t), p, bias, recurrentBias, before, after);
        };
      },
      backward({ gradients, dOutput, dGates, dState, dInput }) {
        const dProducts = scratch(4 * time * batch * width);
        const back = product.backward(dProducts, gradients);
        return {
          step(t) {
            const [gates, p, before] = [frame.gates(t), productsAt(t), frame.before(0, t)];
            const d = dProducts + 4 * t * batch * width;
            kernels.gruAfterBackward(batch, hidden, gates, p, before, dOutput(t), dState(0), dGates(t), d);
            back.step(t, dInput);
          },
          finish() {
            const candidate = scratch(4 * time * batch * hidden);
            coreKernels.copyRows(dProducts + 8 * hidden, 4 * width, candidate, 4 * hidden, time * batch, 4 * hidden);
            coreKernels.sumInto(candidate, gradients.recurrentBias.offset, time * batch, hidden, 0, 4);
            back.finish(frame.input(0));
          },
        };
      },
    };
  },
};

/** The cell of a `GRU` whose reset gate acts before the recurrent product. */
export const gruCellResetBefore: Cell = {
  ...SHARED,
  recurrentBias: false,
  begin(frame) {
    const { batch, time, hidden, step, weights } = frame;
    const product = recurrentProduct(frame, [RESET_UPDATE]);
    const candidateProduct = recurrentProduct(frame, [CANDIDATE]);
    const resetStates = empty([time, batch, hidden]);
    return {
      forward() {
        const multiply = product.forward();
        const multiplyCandidate = candidateProduct.forward();
        return (t) => {
          const [gates, input, reset] = [frame.gates(t), frame.input(t), resetStates.offset + t * step];
          const bias = weights.bias.offset;
          multiply(t, input, { offset: gates, accumulate: true });
          kernels.gruBeforeReset(batch, hidden, gates, bias, input, reset);
          multiplyCandidate(t, reset, { offset: gates + 8 * hidden, accumulate: true });
          kernels.gruBeforeOutput(batch, hidden, gates, bias, frame.before(0, t), frame.after(0, t));
        };
      },
      backward({ gradients, dOutput, dGates, dState, dInput }) {
        const dReset = scratch(step);
        const back = product.backward(dGates(0), gradients);
        const backCandidate = candidateProduct.backward(dGates(0) + 8 * hidden, gradients);
        return {
          step(t) {
            const [gates, input, d] = [frame.gates(t), frame.input(t), dGates(t)];
            kernels.gruBeforeOutputBackward(batch, hidden, gates, frame.before(0, t), dOutput(t), dState(0), d);
            backCandidate.step(t, { offset: dReset, accumulate: false });
            kernels.gruBeforeResetBackward(batch, hidden, gates, input, dReset, dInput.offset, d);
            back.step(t, { offset: dInput.offset, accumulate: true });
          },
          finish() {
            back.finish(frame.input(0));
            backCandidate.finish(resetStates.offset);
          },
        };
      },
    };
  },
};

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
}
