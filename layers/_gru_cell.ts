import { empty } from "@unfold/core";
import { coreKernels, gemm, scratch } from "@unfold/core/kernels";
import type { Cell } from "./cell.ts";
import { kernels } from "./_kernels.ts";
import { recurrentOperand, recurrentWeightGradient, transposedOperand } from "./_products.ts";

const ALL = { from: 0, to: 3, of: 3 };
const RESET_UPDATE = { from: 0, to: 2, of: 3 };
const CANDIDATE = { from: 2, to: 3, of: 3 };

const SHARED = { name: "GRU", gates: 3, states: ["hidden"], direct: true } as const;

/** The gated recurrent unit with its reset gate after the recurrent product; the equations stand at `GRU`. */
export const gruCellResetAfter: Cell = {
  ...SHARED,
  recurrentBias: true,
  begin(frame) {
    const { batch, time, hidden } = frame;
    const width = 3 * hidden;
    const products = empty([time, batch, width]);
    const productsAt = (t: number) => products.offset + 4 * t * batch * width;
    return {
      forward() {
        const w = recurrentOperand(frame, ALL);
        return (t) => {
          const p = productsAt(t);
          gemm({ m: batch, a: frame.input(t), aStride: hidden, b: w, c: p, cStride: width });
          const [before, after] = [frame.before(0, t), frame.after(0, t)];
          kernels.gruAfterForward(batch, hidden, frame.gates(t), p, frame.bias, frame.recurrentBias, before, after);
        };
      },
      backward({ dOutput, dGates, dState, dInput }) {
        const dProducts = scratch(4 * time * batch * width);
        const wT = transposedOperand(frame, ALL);
        return {
          step(t) {
            const [gates, p, before] = [frame.gates(t), productsAt(t), frame.before(0, t)];
            const d = dProducts + 4 * t * batch * width;
            kernels.gruAfterBackward(batch, hidden, gates, p, before, dOutput(t), dState(0), dGates(t), d);
            const { offset: c, accumulate } = dInput;
            gemm({ m: batch, a: d, aStride: width, b: wT, c, cStride: hidden, accumulate });
          },
          finish(dWeight, dRecurrentBias) {
            recurrentWeightGradient(frame, ALL, frame.input(0), dProducts, dWeight);
            const candidate = scratch(4 * time * batch * hidden);
            coreKernels.copyRows(dProducts + 8 * hidden, 4 * width, candidate, 4 * hidden, time * batch, 4 * hidden);
            coreKernels.sumInto(candidate, dRecurrentBias, time * batch, hidden, 0, 4);
          },
        };
      },
    };
  },
};

/** The gated recurrent unit with its reset gate before the recurrent product. */
export const gruCellResetBefore: Cell = {
  ...SHARED,
  recurrentBias: false,
  begin(frame) {
    const { batch, time, hidden, step } = frame;
    const width = 3 * hidden;
    const resetStates = empty([time, batch, hidden]);
    return {
      forward() {
        const w = recurrentOperand(frame, RESET_UPDATE);
        const wCandidate = recurrentOperand(frame, CANDIDATE);
        return (t) => {
          const [gates, input, reset] = [frame.gates(t), frame.input(t), resetStates.offset + t * step];
          gemm({ m: batch, a: input, aStride: hidden, b: w, c: gates, cStride: width, accumulate: true });
          kernels.gruBeforeReset(batch, hidden, gates, frame.bias, input, reset);
          const candidate = gates + 8 * hidden;
          gemm({ m: batch, a: reset, aStride: hidden, b: wCandidate, c: candidate, cStride: width, accumulate: true });
          kernels.gruBeforeOutput(batch, hidden, gates, frame.bias, frame.before(0, t), frame.after(0, t));
        };
      },
      backward({ dOutput, dGates, dState, dInput }) {
        const dReset = scratch(step);
        const wT = transposedOperand(frame, RESET_UPDATE);
        const wCandidateT = transposedOperand(frame, CANDIDATE);
        return {
          step(t) {
            const [gates, input, d] = [frame.gates(t), frame.input(t), dGates(t)];
            kernels.gruBeforeOutputBackward(batch, hidden, gates, frame.before(0, t), dOutput(t), dState(0), d);
            gemm({ m: batch, a: d + 8 * hidden, aStride: width, b: wCandidateT, c: dReset, cStride: hidden });
            kernels.gruBeforeResetBackward(batch, hidden, gates, input, dReset, dInput.offset, d);
            gemm({ m: batch, a: d, aStride: width, b: wT, c: dInput.offset, cStride: hidden, accumulate: true });
          },
          finish(dWeight) {
            recurrentWeightGradient(frame, RESET_UPDATE, frame.input(0), dGates(0), dWeight);
            recurrentWeightGradient(frame, CANDIDATE, resetStates.offset, dGates(0), dWeight);
          },
        };
      },
    };
  },
};
