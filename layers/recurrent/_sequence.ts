import { defineOp, empty, scope, type Tensor, zeros } from "@unfold/core";
import { coreKernels, gemm, rightOperand, scratch, view } from "@unfold/core/kernels";
import { Normalization } from "../normalization.ts";
import { Padding } from "./_padding.ts";
import type { Cell, CellBackward, CellRun, CellWeights, Frame } from "./cell.ts";

/** The weights that a layer has; the biases and gains are optional. */
type Weights = Pick<CellWeights, "inputWeight" | "recurrentWeight"> & Partial<CellWeights>;

/** How a layer runs over its sequences. */
interface SequenceOptions {
  /** Whether to run from the last time step to the first. */
  readonly reverse: boolean;
  /** Time steps of each sequence; the ones after them are padding. */
  readonly lengths: readonly number[] | undefined;
  /** Multiplies the hidden state where it enters the recurrent products, [batch, hidden]. */
  readonly mask: Tensor | undefined;
}

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
  weights: Weights,
  options: SequenceOptions,
) => readonly Tensor[] = defineOp(
  "recurrent layer",
  (cell: Cell, x: Tensor, states: readonly Tensor[], weights: Weights, options: SequenceOptions) => {
    const run = prepare(cell, x, states, weights, options);
    {
      using _ = scope();
      projectInputs(run);
      runForward(run);
    }
    return {
      inputs: [x, ...states, ...Object.values(weights)],
      output: [collectOutput(run), ...lastStates(run)],
      backward: (dOutput, ...dLast) => {
        const dx = x.requiresGrad ? empty(x.shape) : undefined;
        const dStates = dLast.map(copyOf);
        const gradients = zeroGradients(run.frame.weights);
        using _ = scope();
        const pass = prepareBackward(run, dOutput!, dStates, gradients);
        runBackward(run, pass);
        projectionGradients(run, pass);
        weightGradients(run, pass);
        if (dx !== undefined) inputGradients(run, pass, dx);
        const names = Object.keys(weights) as (keyof CellWeights)[];
        return [dx, ...dStates, ...names.map((name) => gradients[name])];
      },
    };
  },
);

/** One run over a batch of sequences: everything that the forward pass saves for the backward pass. */
interface Run {
  /** The gate equations. */
  readonly cell: Cell;
  /** The cell's work on this run, and the values that it saves. */
  readonly cellRun: CellRun;
  /** Sizes, weights and the memory of gates and states, as the cell sees them. */
  readonly frame: Frame;
  /** Whether the run goes from the last time step to the first. */
  readonly reverse: boolean;
  /** The sequences that end before the last time step. */
  readonly padding: Padding;
  /** The dropout mask of the hidden state, [batch, hidden]. */
  readonly mask: Tensor | undefined;
  /** The inputs, time-major and 0 in the padding: [time, batch, inputSize]. */
  readonly inputs: Tensor;
  /** Each state between the time steps: [time + 1, batch, hidden], step t between entries t and t + 1. */
  readonly states: readonly Tensor[];
  /** The layer normalization of x·U. */
  readonly norm: Normalization | undefined;
}

/** Allocates everything that a run saves, and copies the inputs and first states into it. */
export function prepare(
  cell: Cell,
  x: Tensor,
  initial: readonly Tensor[],
  given: Weights,
  { reverse, lengths, mask }: SequenceOptions,
): Run {
  const [batch, time] = x.shape as [number, number, number];
  const hidden = initial[0]!.shape[1]!;
  const width = cell.gates * hidden;
  const padding = new Padding(lengths);
  const inputs = timeMajorInputs(x, padding);
  const gates = empty([time, batch, width]);
  const states = initial.map((state) => stateHistory(state, { time, reverse }));
  const masked = mask && empty([time, batch, hidden]);
  const weights: CellWeights = {
    bias: zeros([width]),
    recurrentBias: zeros([hidden]),
    cellBias: zeros([hidden]),
    ...given,
  };
  const norm = weights.inputGain &&
    new Normalization({ rows: time * batch, hidden, blocks: cell.blocks! }, weights.inputGain);
  const frame = frameOf({ weights, gates, states, masked, reverse });
  return { cell, cellRun: cell.begin(frame), frame, reverse, padding, mask, inputs, states, norm };
}

/** x as [time, batch, inputSize], with zeros in the padding, which may hold anything, including NaN. */
function timeMajorInputs(x: Tensor, padding: Padding): Tensor {
  const [batch, time, inputSize] = x.shape as [number, number, number];
  const inputs = empty([time, batch, inputSize]);
  coreKernels.swapAxes(x.offset, inputs.offset, batch, time, 4 * inputSize);
  for (let t = 0; t < time; t++) padding.zeroRows(t, inputs.offset + 4 * t * batch * inputSize, inputSize);
  return inputs;
}

/** Memory for a state between all time steps, [time + 1, batch, hidden], with the first state where the run starts. */
function stateHistory(first: Tensor, { time, reverse }: { time: number; reverse: boolean }): Tensor {
  const history = empty([time + 1, ...first.shape]);
  const step = 4 * first.size;
  coreKernels.copyRows(first.offset, 0, history.offset + (reverse ? time * step : 0), 0, 1, step);
  return history;
}

/** What the cell sees of a run. */
function frameOf({ weights, gates, states, masked, reverse }: {
  weights: CellWeights;
  gates: Tensor;
  states: readonly Tensor[];
  masked: Tensor | undefined;
  reverse: boolean;
}): Frame {
  const [time, batch, width] = gates.shape as [number, number, number];
  const hidden = states[0]!.shape[2]!;
  const step = 4 * batch * hidden;
  const gateStep = 4 * batch * width;
  const [before, after] = reverse ? [step, 0] : [0, step];
  return {
    batch,
    time,
    hidden,
    width,
    step,
    weights,
    gates: (t) => gates.offset + t * gateStep,
    before: (state, t) => states[state]!.offset + t * step + before,
    after: (state, t) => states[state]!.offset + t * step + after,
    input: (t) => (masked === undefined ? states[0]!.offset + before : masked.offset) + t * step,
  };
}

/** Writes x·U, normalized if the layer has a gain, into the gates of all time steps with one product. */
export function projectInputs({ frame, inputs, norm }: Run): void {
  const { batch, time, width, weights } = frame;
  const rows = time * batch;
  const k = inputs.shape[2]!;
  const c = frame.gates(0);
  const b = rightOperand({ k, n: width, offset: weights.inputWeight.offset, stride: width }, { rows });
  gemm({ m: rows, a: inputs.offset, aStride: k, b, c, cStride: width });
  norm?.forward({ row: 0, rows }, c, { offset: c, stride: 4 * width });
}

/** Runs the cell over the time steps. A sequence that has ended keeps its states. */
export function runForward(run: Run): void {
  const { cellRun, frame, states, padding } = run;
  const { time, hidden } = frame;
  const forward = cellRun.forward();
  for (let i = 0; i < time; i++) {
    const t = timeStep(run, i);
    maskState(run, t);
    forward(t);
    for (let state = 0; state < states.length; state++) {
      padding.copyRows(t, frame.before(state, t), frame.after(state, t), hidden);
    }
  }
}

/** The i-th time step in the order of the run. */
function timeStep({ frame, reverse }: Run, i: number): number {
  return reverse ? frame.time - 1 - i : i;
}

/** Writes mask ⊙ state, the input of the recurrent products at time step t. */
function maskState({ frame, mask }: Run, t: number): void {
  if (mask === undefined) return;
  const n = frame.batch * frame.hidden;
  coreKernels.multiply(frame.before(0, t), mask.offset, frame.input(t), 1, n, 0, 4, 0, 4);
}

/** The hidden states of all time steps, [batch, time, hidden], with zeros in the padding. */
export function collectOutput({ frame, padding }: Run): Tensor {
  const { batch, time, hidden } = frame;
  const output = empty([batch, time, hidden]);
  coreKernels.swapAxes(frame.after(0, 0), output.offset, time, batch, 4 * hidden);
  padding.zeroSteps(output);
  return output;
}

/** Copies of the last states, since the caller may change or dispose of them before the backward pass. */
export function lastStates({ frame, reverse, states }: Run): Tensor[] {
  const { batch, time, hidden, step } = frame;
  return states.map((history) => {
    const last = empty([batch, hidden]);
    coreKernels.copyRows(history.offset + (reverse ? 0 : time * step), 0, last.offset, 0, 1, step);
    return last;
  });
}

function copyOf(x: Tensor): Tensor {
  const copy = empty(x.shape);
  coreKernels.copyRows(x.offset, 0, copy.offset, 0, 1, 4 * x.size);
  return copy;
}

function zeroGradients(weights: CellWeights): CellWeights {
  return Object.fromEntries(
    Object.entries(weights).map(([name, { shape }]) => [name, zeros(shape)]),
  ) as unknown as CellWeights;
}

/** The backward pass of a run: its scratch memory, as byte offsets, and the gradients that it fills. */
interface BackwardPass {
  /** The cell's backward steps. */
  readonly cellBackward: CellBackward;
  /** ∂loss/∂weights. */
  readonly gradients: CellWeights;
  /** ∂loss/∂states at the current point of the pass, [batch, hidden] each; in the end, of the first states. */
  readonly dStates: readonly Tensor[];
  /** ∂loss/∂output, time-major: [time, batch, hidden]. */
  readonly dOutputs: number;
  /** ∂loss/∂gates before activation, [time, batch, gates·hidden]. */
  readonly dGates: number;
  /** ∂loss/∂(mask ⊙ state) of the current step, [batch, hidden]; used only with a mask. */
  readonly dMasked: number;
  /** For each state, the gradients of the sequences that have ended, [batch, hidden]. */
  readonly waiting: readonly number[];
}

/** Allocates the backward pass in the current scope and prepares the cell for it. */
export function prepareBackward(
  { cell, cellRun, frame, mask }: Run,
  dOutput: Tensor,
  dStates: readonly Tensor[],
  gradients: CellWeights,
): BackwardPass {
  const { batch, time, hidden, width, step } = frame;
  const gateStep = 4 * batch * width;
  const dOutputs = scratch(time * step);
  coreKernels.swapAxes(dOutput.offset, dOutputs, batch, time, 4 * hidden);
  const dGates = scratch(time * gateStep);
  const dMasked = mask === undefined ? 0 : scratch(step);
  const waiting = dStates.map(() => scratch(step));
  const dInput = mask === undefined
    ? { offset: dStates[0]!.offset, accumulate: cell.direct }
    : { offset: dMasked, accumulate: true };
  const cellBackward = cellRun.backward({
    gradients,
    dOutput: (t) => dOutputs + t * step,
    dGates: (t) => dGates + t * gateStep,
    dState: (state) => dStates[state]!.offset,
    dInput,
  });
  return { cellBackward, gradients, dStates, dOutputs, dGates, dMasked, waiting };
}

/**
 * Back-propagation through time: the gradients of all gates, of the first states, of W and of the cell's other weights.
 */
export function runBackward(run: Run, pass: BackwardPass): void {
  for (let i = run.frame.time - 1; i >= 0; i--) {
    const t = timeStep(run, i);
    setAside(run, pass, t);
    if (run.mask !== undefined) view(pass.dMasked, run.frame.batch * run.frame.hidden).fill(0);
    pass.cellBackward.step(t);
    unmaskGradient(run, pass);
    putBack(run, pass, t);
  }
  pass.cellBackward.finish();
}

/**
 * Sets the gradients of ended sequences aside, so that the step sees zeros: a gradient that waits at the end of a sequence
 * must not flow into its padding.
 */
function setAside({ frame, padding }: Run, { dStates, dOutputs, waiting }: BackwardPass, t: number): void {
  const { hidden, step } = frame;
  for (let state = 0; state < dStates.length; state++) {
    const { offset } = dStates[state]!;
    padding.copyRows(t, offset, waiting[state]!, hidden);
    padding.zeroRows(t, offset, hidden);
  }
  padding.zeroRows(t, dOutputs + t * step, hidden);
}

/** Restores the gradients that {@linkcode setAside} set aside. */
function putBack({ frame, padding }: Run, { dStates, waiting }: BackwardPass, t: number): void {
  for (let state = 0; state < dStates.length; state++) {
    padding.copyRows(t, waiting[state]!, dStates[state]!.offset, frame.hidden);
  }
}

/** Turns ∂loss/∂(mask ⊙ state) into ∂loss/∂state; adds it if the state also reaches the next one directly. */
function unmaskGradient({ cell, frame, mask }: Run, { dStates, dMasked }: BackwardPass): void {
  if (mask === undefined) return;
  const n = frame.batch * frame.hidden;
  const dHidden = dStates[0]!.offset;
  coreKernels.multiply(dMasked, mask.offset, cell.direct ? dMasked : dHidden, 1, n, 0, 4, 0, 4);
  if (cell.direct) coreKernels.add(dHidden, dMasked, dHidden, 1, n, 0, 4, 0, 4);
}

/** Writes ∂loss/∂b, then goes back through the normalization, if any: `dGates` becomes ∂loss/∂(x·U) in place. */
export function projectionGradients({ frame, norm }: Run, { dGates, gradients }: BackwardPass): void {
  const { batch, time, width } = frame;
  const rows = time * batch;
  coreKernels.sumInto(dGates, gradients.bias.offset, rows, width, 0, 4);
  norm?.backward({ row: 0, rows }, { offset: dGates, stride: 4 * width }, dGates, gradients.inputGain!);
}

/** Writes ∂loss/∂U = xᵀ·∂loss/∂(x·U) for all time steps with one product. */
export function weightGradients({ frame, inputs }: Run, { dGates, gradients }: BackwardPass): void {
  const { batch, time, width } = frame;
  const m = inputs.shape[2]!;
  const b = rightOperand({ k: time * batch, n: width, offset: dGates, stride: width }, { rows: m });
  const c = gradients.inputWeight.offset;
  gemm({ m, a: inputs.offset, aStride: m, aTransposed: true, b, c, cStride: width });
}

/** Writes ∂loss/∂x = ∂loss/∂(x·U)·Uᵀ for all time steps with one product. */
export function inputGradients({ frame }: Run, { dGates }: BackwardPass, dx: Tensor): void {
  const { batch, time, width, weights } = frame;
  const n = dx.shape[2]!;
  const rows = time * batch;
  const transposed = { k: width, n, offset: weights.inputWeight.offset, stride: width, transposed: true };
  const dInputs = scratch(4 * rows * n);
  gemm({ m: rows, a: dGates, aStride: width, b: rightOperand(transposed, { rows }), c: dInputs, cStride: n });
  coreKernels.swapAxes(dInputs, dx.offset, time, batch, 4 * n);
}
