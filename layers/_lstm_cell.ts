import { empty } from "@unfold/core";
import { coreKernels, scratch } from "@unfold/core/kernels";
import { kernels } from "./_kernels.ts";
import { Normalization } from "./_normalization.ts";
import { recurrentProduct } from "./_recurrent_product.ts";
import type { Cell } from "./cell.ts";

const ALL = [{ from: 0, to: 4 }];

/** Long short-term memory; the equations stand at `LSTM`. */
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
