import { gemm } from "@unfold/core/kernels";
import type { Cell } from "./cell.ts";
import { kernels } from "./_kernels.ts";
import { recurrentOperand, recurrentWeightGradient, transposedOperand } from "./_products.ts";

const ALL = { from: 0, to: 1, of: 1 };

/** The simple recurrent network; the equations stand at `SimpleRNN`. */
export function simpleRnnCell(relu: boolean): Cell {
  return {
    name: "SimpleRNN",
    gates: 1,
    states: ["hidden"],
    direct: false,
    recurrentBias: false,
    begin(frame) {
      const { batch, hidden } = frame;
      return {
        forward() {
          const w = recurrentOperand(frame, ALL);
          return (t) => {
            const gates = frame.gates(t);
            gemm({ m: batch, a: frame.input(t), aStride: hidden, b: w, c: gates, cStride: hidden, accumulate: true });
            kernels.simpleRnnForward(batch, hidden, gates, frame.bias, frame.after(0, t), relu);
          };
        },
        backward({ dOutput, dGates, dState, dInput }) {
          const wT = transposedOperand(frame, ALL);
          return {
            step(t) {
              const d = dGates(t);
              kernels.simpleRnnBackward(batch, hidden, frame.after(0, t), dOutput(t), dState(0), d, relu);
              const { offset: c, accumulate } = dInput;
              gemm({ m: batch, a: d, aStride: hidden, b: wT, c, cStride: hidden, accumulate });
            },
            finish: (dWeight) => recurrentWeightGradient(frame, ALL, frame.input(0), dGates(0), dWeight),
          };
        },
      };
    },
  };
}
