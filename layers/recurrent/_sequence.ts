import { defineOp, empty, scope, type Tensor, zeros } from "@unfold/core";
import { coreKernels, gemm, rightOperand, scratch, view } from "@unfold/core/kernels";
import { Normalization } from "../normalization.ts";
import type { Cell, CellWeights, Frame } from "./cell.ts";

/** The weights that a layer has. */
type Weights = Pick<CellWeights, "inputWeight" | "recurrentWeight"> & Partial<CellWeights>;

/** How one layer goes over sequences in one direction. */
interface SequenceOptions {
  /** From the last time step to the first. */
  readonly reverse: boolean;
  /** Time steps of each sequence; those after are padding. */
  readonly lengths: readonly number[] | undefined;
  /** What the hidden state is multiplied with where it enters the recurrent products, [batch, hidden]. */
  readonly mask: Tensor | undefined;
}

/**
 * A recurrent layer over whole sequences in one direction, as one op: x [batch, time, inputSize] and the states [batch,
 * hidden] → output [batch, time, hidden] and the last states.
 *
 * The inputs of all time steps are projected in one product; the recurrence runs step by step on time-major data; the
 * backward is back-propagation through time.
 */
export const recurrentSequence: (
  cell: Cell,
  x: Tensor,
  states: readonly Tensor[],
  weights: Weights,
  options: SequenceOptions,
) => readonly Tensor[] = defineOp(
  "recurrent layer",
  (cell: Cell, x: Tensor, states: readonly Tensor[], given: Weights, options: SequenceOptions) => {
    const { inputWeight } = given;
    const { reverse, mask } = options;
    // The caller may use its array again before the backward.
    const lengths = options.lengths && [...options.lengths];
    const [batch, time, inputSize] = x.shape as [number, number, number];
    const hidden = states[0]!.shape[1]!;
    const width = cell.gates * hidden;
    const rows = time * batch;
    const step = 4 * batch * hidden;
    const gateStep = 4 * batch * width;

    const xs = empty([time, batch, inputSize]);
    coreKernels.swapAxes(x.offset, xs.offset, batch, time, 4 * inputSize);
    /** The sequences that have ended before time step t, one after the other. */
    const ended = (t: number, visit: (row: number) => void) =>
      lengths?.forEach((length, row) => t >= length && visit(row));
    // Whatever stands in the padding, NaN too, is not looked at.
    for (let t = 0; lengths !== undefined && t < time; t++) {
      ended(t, (row) => view(xs.offset + 4 * (t * batch + row) * inputSize, inputSize).fill(0));
    }
    const gates = empty([time, batch, width]);
    // Time step t lies between states t and t + 1, which is before and which after depends on the direction.
    const saved = states.map(() => empty([time + 1, batch, hidden]));
    const [shiftBefore, shiftAfter] = reverse ? [step, 0] : [0, step];
    const [firstState, lastState] = reverse ? [time * step, 0] : [0, time * step];
    states.forEach((state, i) => {
      coreKernels.copyRows(state.offset, 0, saved[i]!.offset + firstState, 0, 1, step);
    });
    const masked = mask === undefined ? undefined : empty([time, batch, hidden]);
    const none = { bias: zeros([width]), recurrentBias: zeros([hidden]), cellBias: zeros([hidden]) };
    const weights: CellWeights = { ...none, ...given };
    const norm = weights.inputGain && new Normalization({ rows, hidden, blocks: cell.blocks! }, weights.inputGain);
    const all = { row: 0, rows };
    const frame: Frame = {
      batch,
      time,
      hidden,
      width,
      step,
      weights,
      gates: (t) => gates.offset + t * gateStep,
      before: (state, t) => saved[state]!.offset + t * step + shiftBefore,
      after: (state, t) => saved[state]!.offset + t * step + shiftAfter,
      input: (t) => (masked === undefined ? saved[0]!.offset + shiftBefore : masked.offset) + t * step,
    };
    const run = cell.begin(frame);
    {
      using _ = scope();
      const u = rightOperand({ k: inputSize, n: width, offset: inputWeight.offset, stride: width }, { rows });
      gemm({ m: rows, a: xs.offset, aStride: inputSize, b: u, c: gates.offset, cStride: width });
      norm?.forward(all, gates.offset, { offset: gates.offset, stride: 4 * width });
      const forward = run.forward();
      for (let i = 0; i < time; i++) {
        const t = reverse ? time - 1 - i : i;
        if (mask !== undefined) {
          coreKernels.multiply(frame.before(0, t), mask.offset, frame.input(t), 1, batch * hidden, 0, 4, 0, 4);
        }
        forward(t);
        ended(t, (row) =>
          saved.forEach((_, state) => {
            const at = 4 * row * hidden;
            coreKernels.copyRows(frame.before(state, t) + at, 0, frame.after(state, t) + at, 0, 1, 4 * hidden);
          }));
      }
    }
    const output = empty([batch, time, hidden]);
    coreKernels.swapAxes(saved[0]!.offset + shiftAfter, output.offset, time, batch, 4 * hidden);
    const outputData = output.data;
    lengths?.forEach((length, row) => outputData.fill(0, (row * time + length) * hidden, (row + 1) * time * hidden));
    // Copies: the caller may write into its state, or dispose of it, before the backward.
    const last = saved.map((state) => {
      const copy = empty([batch, hidden]);
      coreKernels.copyRows(state.offset + lastState, 0, copy.offset, 0, 1, step);
      return copy;
    });

    return {
      inputs: [x, ...states, ...Object.values(given)],
      output: [output, ...last],
      backward: (dOutput, ...dLast) => {
        const dx = x.requiresGrad ? empty(x.shape) : undefined;
        const dStates = dLast.map((gradient) => {
          const state = empty(gradient.shape);
          coreKernels.copyRows(gradient.offset, 0, state.offset, 0, 1, step);
          return state;
        });
        const gradients = Object.fromEntries(
          Object.entries(weights).map(([name, { shape }]) => [name, zeros(shape)]),
        ) as unknown as CellWeights;

        using _ = scope();
        const dOutputs = scratch(time * step);
        coreKernels.swapAxes(dOutput!.offset, dOutputs, batch, time, 4 * hidden);
        const dGates = scratch(time * gateStep);
        const dHidden = dStates[0]!.offset;
        const dMasked = mask === undefined ? 0 : scratch(step);
        const frozen = dStates.map(() => scratch(step));
        const back = run.backward({
          gradients,
          dOutput: (t) => dOutputs + t * step,
          dGates: (t) => dGates + t * gateStep,
          dState: (state) => dStates[state]!.offset,
          dInput: mask === undefined
            ? { offset: dHidden, accumulate: cell.direct }
            : { offset: dMasked, accumulate: true },
        });
        for (let i = time - 1; i >= 0; i--) {
          const t = reverse ? time - 1 - i : i;
          // A gradient that waits at the end of a sequence passes its padding by: no gradient goes in, and it is put back.
          ended(t, (row) => {
            const at = 4 * row * hidden;
            dStates.forEach(({ offset }, state) => {
              coreKernels.copyRows(offset + at, 0, frozen[state]! + at, 0, 1, 4 * hidden);
              view(offset + at, hidden).fill(0);
            });
            view(dOutputs + t * step + at, hidden).fill(0);
          });
          if (mask !== undefined) view(dMasked, batch * hidden).fill(0);
          back.step(t);
          if (mask !== undefined) {
            const n = batch * hidden;
            const target = cell.direct ? dMasked : dHidden;
            coreKernels.multiply(dMasked, mask.offset, target, 1, n, 0, 4, 0, 4);
            if (cell.direct) coreKernels.add(dHidden, dMasked, dHidden, 1, n, 0, 4, 0, 4);
          }
          ended(t, (row) => {
            const at = 4 * row * hidden;
            dStates.forEach(({ offset }, state) => {
              coreKernels.copyRows(frozen[state]! + at, 0, offset + at, 0, 1, 4 * hidden);
            });
          });
        }
        back.finish();
        coreKernels.sumInto(dGates, gradients.bias.offset, rows, width, 0, 4);
        norm?.backward(all, { offset: dGates, stride: 4 * width }, dGates, gradients.inputGain!);

        const right = rightOperand({ k: rows, n: width, offset: dGates, stride: width }, { rows: inputSize });
        gemm({
          m: inputSize,
          a: xs.offset,
          aStride: inputSize,
          aTransposed: true,
          b: right,
          c: gradients.inputWeight.offset,
          cStride: width,
        });
        if (dx !== undefined) {
          const uT = { k: width, n: inputSize, offset: inputWeight.offset, stride: width, transposed: true };
          const dxs = scratch(4 * rows * inputSize);
          gemm({ m: rows, a: dGates, aStride: width, b: rightOperand(uT, { rows }), c: dxs, cStride: inputSize });
          coreKernels.swapAxes(dxs, dx.offset, time, batch, 4 * inputSize);
        }
        const names = Object.keys(given) as (keyof CellWeights)[];
        return [dx, ...dStates, ...names.map((name) => gradients[name])];
      },
    };
  },
);
