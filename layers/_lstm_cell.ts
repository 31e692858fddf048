import { empty } from "@unfold/core";
import { gemm } from "@unfold/core/kernels";
import type { Cell } from "./cell.ts";
import { kernels } from "./_kernels.ts";
import { recurrentOperand, recurrentWeightGradient, transposedOperand } from "./_products.ts";

const ALL = { from: 0, to: 4, of: 4 };

/** Long short-term memory; the equations stand at `LSTM`. */
export const lstmCell: Cell = {
  name: "LSTM",
  gates: 4,
  states: ["hidden", "cell"],
  direct: false,
  recurrentBias: false,
  initializeBias: (data, hidden) => data.fill(1, hidden, 2 * hidden),
  begin(frame) {
    const { batch, time, hidden, step } = frame;
    const width = 4 * hidden;
    const tanhCells = empty([time, batch, hidden]);
    return {
      forward() {
        const w = recurrentOperand(frame, ALL);
        return (t) => {
          const gates = frame.gates(t);
          gemm({ m: batch, a: frame.input(t), aStride: hidden, b: w, c: gates, cStride: width, accumulate: true });
          const tanhCell = tanhCells.offset + t * step;
          const [before, cell, output] = [frame.before(1, t), frame.after(1, t), frame.after(0, t)];
          kernels.lstmForward(batch, hidden, gates, frame.bias, before, cell, tanhCell, output);
        };
      },
      backward({ dOutput, dGates, dState, dInput }) {
        const wT = transposedOperand(frame, ALL);
        return {
          step(t) {
            const tanhCell = tanhCells.offset + t * step;
            const [gates, before, d] = [frame.gates(t), frame.before(1, t), dGates(t)];
            kernels.lstmBackward(batch, hidden, gates, before, tanhCell, dOutput(t), dState(0), dState(1), d);
            const { offset: c, accumulate } = dInput;
            gemm({ m: batch, a: d, aStride: width, b: wT, c, cStride: hidden, accumulate });
          },
          finish: (dWeight) => recurrentWeightGradient(frame, ALL, frame.input(0), dGates(0), dWeight),
        };
      },
    };
  },
};
