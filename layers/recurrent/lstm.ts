import { empty, type Tensor } from "@unfold/core";
import { coreKernels, scratch } from "@unfold/core/kernels";
import { kernels } from "../_kernels.ts";
import { Normalization } from "../normalization.ts";
import { recurrentProduct } from "./_product.ts";
import type { Cell } from "./cell.ts";
import { Recurrent, type RecurrentOptions } from "./recurrent.ts";

const ALL = [{ from: 0, to: 4 }];

/** The cell of `LSTM`, which documents the equations. */
export const lstmCell: Cell = {
  name: "LSTM",
  gates: 4,
  blocks: ALL,
  states: ["hidden", "cell"],
  direct: false,
  recurrentBias: false,
  cellNorm: true,
  initializeBias: (data, hidden) => data.fill(1, hidden, 2 * hidden),
  begin(frame) {
    const { batch, time, hidden, step, weights } = frame;
    const product = recurrentProduct(frame, ALL);
    const tanhCells = empty([time, batch, hidden]);
    const tanhCell = (t: number) => tanhCells.offset + t * step;
    const stride = 4 * hidden;
    const shape = { rows: time * batch, hidden, blocks: [{ from: 0, to: 1 }] };
    const norm = weights.cellGain && new Normalization(shape, weights.cellGain);
    const rowsOf = (t: number) => ({ row: t * batch, rows: batch });
    return {
      forward() {
        const multiply = product.forward();
        return (t) => {
          const gates = frame.gates(t);
          multiply(t, frame.input(t), { offset: gates, accumulate: true });
          const [before, cell, output] = [frame.before(1, t), frame.after(1, t), frame.after(0, t)];
          kernels.lstmForward(batch, hidden, gates, weights.bias.offset, before, cell, tanhCell(t), output);
          if (norm === undefined) return;
          norm.forward(rowsOf(t), cell, { offset: tanhCell(t), stride }, {
            offset: weights.cellBias.offset,
            stride: 0,
          });
          kernels.lstmNormalizedOutput(batch, hidden, gates, tanhCell(t), output);
        };
      },
      backward({ gradients, dOutput, dGates, dState, dInput }) {
        const back = product.backward(dGates(0), gradients);
        const dCell = norm && scratch(step);
        return {
          step(t) {
            const gates = frame.gates(t);
            if (dCell !== undefined) {
              kernels.lstmNormalizedOutputBackward(batch, hidden, gates, tanhCell(t), dOutput(t), dState(0), dCell);
              coreKernels.sumInto(dCell, gradients.cellBias.offset, batch, hidden, 0, 4);
              norm!.backward(rowsOf(t), { offset: dCell, stride }, dCell, gradients.cellGain!);
              coreKernels.add(dState(1), dCell, dState(1), 1, batch * hidden, 0, 4, 0, 4);
            }
            const backward = norm === undefined ? kernels.lstmBackward : kernels.lstmNormalizedBackward;
            const before = frame.before(1, t);
            backward(batch, hidden, gates, before, tanhCell(t), dOutput(t), dState(0), dState(1), dGates(t));
            back.step(t, dInput);
          },
          finish: () => back.finish(frame.input(0)),
        };
      },
    };
  },
};

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
}
