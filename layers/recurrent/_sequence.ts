import { defineOp, empty, scope, type Tensor, zeros } from "@unfold/core";
import { coreKernels, gemm, inShares, rightOperand, scratch, sumRows, swapAxes, zero } from "@unfold/core/kernels";
import { activateGates, gateSlopes } from "./_gates.ts";
import type { Rows } from "./_product.ts";
import { type CellWeights, Run, type SequenceOptions } from "./_run.ts";
import { RunBackwardStep, RunStep, type StepGradients } from "./_steps.ts";
import type { Cell } from "./cell.ts";

/**
 * A recurrent layer over whole sequences in one direction, as one op: x [batch, time, inputSize] and the states [batch,
 * hidden] → the output [batch, time, hidden] and the last states.
 *
 * Forward: one product projects the inputs of all time steps, then the cell runs step by step on time-major data. Backward:
 * back-propagation through time, then one product each for the gradients of U and x.
 */
export const recurrentSequence: (
  cell: Cell,
  x: Tensor,
  states: readonly Tensor[],
  weights: CellWeights,
  options: SequenceOptions,
) => readonly Tensor[] = defineOp(
  "recurrent layer",
  (cell: Cell, x: Tensor, states: readonly Tensor[], weights: CellWeights, options: SequenceOptions) => {
    const run = new Run(cell, x, states, weights, options);
    {
      using _ = scope();
      runForward(run, projectInputs(run));
    }
    const given = Object.entries(weights).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
    return {
      inputs: [x, ...states, ...given.map(([, weight]) => weight)],
      output: [collectOutput(run), ...lastStates(run)],
      backward: (dOutput, ...dLast) => {
        const dx = x.requiresGrad ? empty(x.shape) : undefined;
        const dStates = states.map(({ shape }) => empty(shape));
        const gradients = Object.fromEntries(
          given.map(([name, { shape }]) => [name, zeros(shape)]),
        ) as unknown as CellWeights;
        using _ = scope();
        const pass = prepareBackward(run, dOutput!, dLast, gradients);
        runBackward(run, pass);
        projectionGradients(run, pass);
        weightGradients(run, pass);
        if (dx !== undefined) inputGradients(run, pass, dx);
        firstStateGradients(run, pass, dStates);
        return [dx, ...dStates, ...given.map(([name]) => gradients[name])];
      },
    };
  },
);

/** Computes x·U of all time steps, normalized if the layer has a gain, with one product into scratch memory. */
export function projectInputs({ batch, time, hidden, layout, weights, inputs, inputNorm }: Run): number {
  const rows = time * batch;
  const [k, width] = [inputs.shape[2]!, layout.u * hidden];
  const c = scratch(4 * rows * width);
  const b = rightOperand({ k, n: width, offset: weights.inputWeight.offset, stride: width }, { rows });
  gemm({ m: rows, a: inputs.offset, aStride: k, b, c, cStride: width });
  inputNorm?.forward({ row: 0, rows }, c, { offset: c, stride: 4 * width });
  return c;
}

/**
 * Runs the cell over the time steps, from the products of the inputs. A sequence that has ended keeps its states.
 */
export function runForward(run: Run, inputProducts: number): void {
  const { cell, time, hidden, batch, layout, padding } = run;
  using step = RunStep.take(run);
  const multiply = run.product?.forward();
  const multiplyLate = run.lateProduct?.forward();
  const isShared = layout.shared !== undefined;
  const products = isShared ? 0 : scratch(4 * batch * layout.w * hidden);
  inShareOfRows(run, (rows) => {
    const { from } = rows;
    for (let i = 0; i < time; i++) {
      const t = run.timeStep(i);
      const x = run.at(inputProducts, t, from, layout.u * hidden);
      const p = isShared ? x + 4 * layout.shared! * hidden : products + 4 * from * layout.w * hidden;
      step.moveTo(t, rows);
      if (run.mask !== undefined) maskState(run, run.mask, t, rows);
      multiply?.(t, rows, step.input.offset, p, isShared);
      activateGates(run, layout.groups.early, t, rows, x, p);
      if (cell.late !== undefined) {
        cell.late.forward(step);
        multiplyLate!(t, rows, step.lateInput.offset, p, isShared);
        activateGates(run, layout.groups.late, t, rows, x, p);
      }
      cell.forward(step);
      if (!padding.isEmpty) keepEnded(run, t, rows);
    }
  });
}

/** Copies the states of ended sequences past the step. */
function keepEnded(run: Run, t: number, rows: Rows): void {
  const { cell, hidden, distance, states, padding } = run;
  for (let state = 0; state < cell.states.length; state++) {
    const table = states.offset + state * distance;
    padding.copyRows(t, rows, run.before(table, t, 0), run.after(table, t, 0), hidden);
  }
}

/** The least work of a share, in multiply-adds, that is worth a thread. */
const LEAST_SHARE = 1 << 20;
/** What a gate costs, in multiply-adds. */
const GATE_COST = 16;

/** Runs over the time steps with all sequences, or with a share of them on each thread if the cell and the work allow it. */
function inShareOfRows({ cell, batch, time, hidden, layout, weights }: Run, run: (rows: Rows) => void): void {
  const splits = cell.splitsRows && weights.recurrentGain === undefined;
  const work = time * hidden * (layout.w * hidden / cell.heads + GATE_COST * cell.gates.length);
  const least = splits ? Math.max(MULTIPLE, LEAST_SHARE / work) : Infinity;
  inShares(batch, { least, multiple: MULTIPLE }, (from, to) => run({ from, count: to - from }));
}

/** Products run best on this many rows, or a multiple of it. */
const MULTIPLE = 4;

/** Writes mask ⊙ state, the input of the recurrent products at time step t. */
function maskState(run: Run, mask: Tensor, t: number, { from, count }: Rows): void {
  const { hidden, states } = run;
  const [n, own] = [count * hidden, mask.offset + 4 * from * hidden];
  coreKernels.multiply(run.before(states.offset, t, from), own, run.inputAt(t, from), 1, n, 0, 4, 0, 4);
}

/** The hidden states of all time steps, [batch, time, hidden], with zeros in the padding. */
export function collectOutput(run: Run): Tensor {
  const { batch, time, hidden, states, padding } = run;
  const output = empty([batch, time, hidden]);
  swapAxes(run.after(states.offset, 0, 0), output.offset, time, batch, hidden);
  padding.zeroSteps(output);
  return output;
}

/** Copies of the last states, since the caller may change or dispose of them before the backward pass. */
export function lastStates(run: Run): Tensor[] {
  const { cell, batch, hidden, step, states } = run;
  return cell.states.map((_, state) => {
    const last = empty([batch, hidden]);
    coreKernels.copyRows(run.lastState(states.offset, state), 0, last.offset, 0, 1, step);
    return last;
  });
}

/** The backward pass of a run: its scratch memory, as byte offsets, and the gradients that it fills. */
interface BackwardPass {
  readonly gradients: StepGradients;
  /** ∂loss/∂(x·U) before the normalization, [time, batch, width of U]. */
  readonly dx: number;
  /** ∂loss/∂(h·W) before the normalization: in `dx`, or [time, batch, width of W]. */
  readonly dp: number;
}

/** Allocates the backward pass in the current scope. The gradients of the states start with those of the output. */
export function prepareBackward(
  run: Run,
  dOutput: Tensor,
  dLast: readonly Tensor[],
  weights: CellWeights,
): BackwardPass {
  const { cell, batch, time, hidden, step, distance, layout, padding } = run;
  const states = scratch(cell.states.length * distance);
  zero(states, cell.states.length * distance / 4);
  swapAxes(dOutput.offset, run.after(states, 0, 0), batch, time, hidden);
  const all = { from: 0, count: batch };
  for (let t = 0; t < time && !padding.isEmpty; t++) padding.zeroRows(t, all, run.after(states, t, 0), hidden);
  dLast.forEach(({ offset }, state) => {
    const last = run.lastState(states, state);
    coreKernels.add(last, offset, last, 1, batch * hidden, 0, 4, 0, 4);
  });
  const gates = scratch(cell.gates.length * step);
  const own = scratch(Object.keys(cell.weights).length * time * step);
  const masked = run.mask === undefined ? 0 : scratch(step);
  const late = run.lateInputs === undefined ? 0 : scratch(step);
  const dx = scratch(time * layout.u * step);
  const dp = layout.shared === undefined ? scratch(time * layout.w * step) : dx + 4 * layout.shared * hidden;
  return { gradients: { weights, states, gates, own, masked, late }, dx, dp };
}

/**
 * Back-propagation through time: the gradients of all products, of the first states, of W and of the cell's other weights.
 */
export function runBackward(run: Run, { gradients, dx, dp }: BackwardPass): void {
  const { cell, time, hidden, layout, lateInputs } = run;
  const { weights, gates } = gradients;
  using step = RunBackwardStep.take(run, gradients);
  const [product, lateProduct] = [run.product?.backward(dp), run.lateProduct?.backward(dp)];
  const dGain = weights.recurrentGain;
  const isShared = layout.shared !== undefined;
  inShareOfRows(run, (rows) => {
    const { from } = rows;
    for (let i = time - 1; i >= 0; i--) {
      const t = run.timeStep(i);
      const dxHere = run.at(dx, t, from, layout.u * hidden);
      const dpHere = isShared ? 0 : run.at(dp, t, from, layout.w * hidden);
      step.moveTo(t, rows);
      if (!run.padding.isEmpty) passEnded(run, gradients, t, rows);
      if (run.mask !== undefined) coreKernels.zero(step.dInput.offset, 4 * step.size);
      cell.backward(step);
      if (cell.late !== undefined) {
        gateSlopes(run, layout.groups.late, t, rows, gates, dxHere, dpHere);
        lateProduct!.step(t, rows, step.dLateInput.offset, false, dGain);
        cell.late.backward(step);
      }
      gateSlopes(run, layout.groups.early, t, rows, gates, dxHere, dpHere);
      product?.step(t, rows, step.dInput.offset, true, dGain);
      if (run.mask !== undefined) unmaskGradient(run, run.mask, step, rows);
    }
  });
  product?.finish(run.inputAt(0, 0), weights.recurrentWeight!);
  lateProduct?.finish(lateInputs!.offset, weights.recurrentWeight!);
  ownGradients(run, { gradients, dx, dp });
}

/**
 * Passes the gradients of ended sequences on to the state before, past the step, which sees zeros: a gradient that waits at the end
 * of a sequence must not flow into its padding.
 */
function passEnded(run: Run, { states }: StepGradients, t: number, rows: Rows): void {
  const { cell, hidden, distance, padding } = run;
  for (let state = 0; state < cell.states.length; state++) {
    const table = states + state * distance;
    const [before, after] = [run.before(table, t, 0), run.after(table, t, 0)];
    padding.addRows(t, rows, after, before, hidden);
    padding.zeroRows(t, rows, after, hidden);
  }
}

/** Adds mask ⊙ ∂loss/∂(mask ⊙ state) to ∂loss/∂state. */
function unmaskGradient(
  { cell, hidden }: Run,
  mask: Tensor,
  { dInput, dBefore, size }: RunBackwardStep,
  { from }: Rows,
): void {
  const own = mask.offset + 4 * from * hidden;
  const { offset } = dBefore[cell.states[0]!]!;
  coreKernels.multiply(dInput.offset, own, dInput.offset, 1, size, 0, 4, 0, 4);
  coreKernels.add(offset, dInput.offset, offset, 1, size, 0, 4, 0, 4);
}

/** Sums the gradients of the cell's own weights, and of the biases of gates of the state, over all rows. */
function ownGradients(run: Run, { gradients: { weights, own }, dp }: BackwardPass): void {
  const { cell, batch, time, hidden, step, layout } = run;
  const rows = time * batch;
  Object.keys(cell.weights).forEach((name, i) => {
    sumRows(own + i * time * step, weights[name]!.offset, rows, hidden);
  });
  if (weights.recurrentBias === undefined) return;
  const row = 4 * hidden;
  const n = hidden / cell.heads;
  const gate = scratch(rows * row);
  for (const { count, w, d } of layout.groups.early) {
    for (let i = 0; d !== undefined && i < count; i++) {
      for (let head = 0; head < cell.heads; head++) {
        const from = dp + 4 * n * (head * layout.w + w! + i);
        coreKernels.copyRows(from, layout.w * row, gate + 4 * head * n, row, rows, 4 * n);
      }
      sumRows(gate, weights.recurrentBias.offset + (d + i) * row, rows, hidden);
    }
  }
}

/** Writes ∂loss/∂b, then goes back through the normalization, if any: `dx` becomes ∂loss/∂(x·U) in place. */
export function projectionGradients(run: Run, { gradients: { weights }, dx }: BackwardPass): void {
  const { batch, time, hidden, layout, inputNorm } = run;
  const [rows, width] = [time * batch, layout.u * hidden];
  if (weights.bias !== undefined) sumRows(dx, weights.bias.offset, rows, width);
  inputNorm?.backward({ row: 0, rows }, { offset: dx, stride: 4 * width }, dx, weights.inputGain!);
}

/** Writes ∂loss/∂U = xᵀ·∂loss/∂(x·U) for all time steps with one product. */
export function weightGradients(run: Run, { gradients: { weights }, dx }: BackwardPass): void {
  const { batch, time, hidden, layout, inputs } = run;
  const [m, n] = [inputs.shape[2]!, layout.u * hidden];
  const b = rightOperand({ k: time * batch, n, offset: dx, stride: n }, { rows: m });
  gemm({ m, a: inputs.offset, aStride: m, aTransposed: true, b, c: weights.inputWeight.offset, cStride: n });
}

/** Writes ∂loss/∂x = ∂loss/∂(x·U)·Uᵀ for all time steps with one product. */
export function inputGradients(run: Run, pass: BackwardPass, dx: Tensor): void {
  const { batch, time, hidden, layout, weights } = run;
  const [n, width, rows] = [dx.shape[2]!, layout.u * hidden, time * batch];
  const transposed = { k: width, n, offset: weights.inputWeight.offset, stride: width, transposed: true };
  const dInputs = scratch(4 * rows * n);
  gemm({ m: rows, a: pass.dx, aStride: width, b: rightOperand(transposed, { rows }), c: dInputs, cStride: n });
  swapAxes(dInputs, dx.offset, time, batch, n);
}

/** Copies the gradients of the first states out of the pass. */
function firstStateGradients(run: Run, { gradients: { states } }: BackwardPass, dStates: readonly Tensor[]): void {
  dStates.forEach(({ offset }, state) => {
    coreKernels.copyRows(run.firstState(states, state), 0, offset, 0, 1, run.step);
  });
}
