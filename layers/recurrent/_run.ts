import { empty, type Tensor, zeros } from "@unfold/core";
import { coreKernels, swapAxes } from "@unfold/core/kernels";
import { Normalization } from "../normalization.ts";
import { type GateLayout, layoutOf } from "./_layout.ts";
import { Padding } from "./_padding.ts";
import { type RecurrentProduct, recurrentProduct } from "./_product.ts";
import type { Cell } from "./cell.ts";

/** The weights of one layer in one direction by name, or their gradients. Those that the layer lacks are missing. */
export type CellWeights = Readonly<Record<"inputWeight", Tensor> & Partial<Record<string, Tensor>>>;

/** How a layer runs over its sequences. */
export interface SequenceOptions {
  /** Whether to run from the last time step to the first. */
  readonly reverse: boolean;
  /** Time steps of each sequence; the ones after them are padding. */
  readonly lengths: readonly number[] | undefined;
  /** Multiplies the hidden state where it enters the recurrent products, [batch, hidden]. */
  readonly mask: Tensor | undefined;
}

/**
 * One run of a cell over a batch of sequences: the memory of everything that the forward pass saves for the backward pass. It is
 * time-major: the rows of one time step are contiguous, and the steps follow each other. Offsets are in bytes. t is the time step
 * in the input, in both directions; `row` is the first row wanted.
 */
export class Run {
  readonly cell: Cell;
  readonly weights: CellWeights;
  readonly reverse: boolean;
  readonly batch: number;
  readonly time: number;
  readonly hidden: number;
  readonly heads: number;
  /** Bytes of [batch, hidden]. */
  readonly step: number;
  readonly layout: GateLayout;
  readonly padding: Padding;
  /** The dropout mask of the hidden state, [batch, hidden]. */
  readonly mask: Tensor | undefined;
  /** The inputs, 0 in the padding: [time, batch, inputSize]. */
  readonly inputs: Tensor;
  /** The values of the gates, [time, gates, batch, hidden]. */
  readonly gates: Tensor;
  /** The states between the time steps: [states, time + 1, batch, hidden], step t between entries t and t + 1. */
  readonly states: Tensor;
  /** What the cell saves: [names, time, batch, hidden]. */
  readonly saved: Tensor;
  /** mask ⊙ hidden state before each step, if there is a mask. */
  readonly masked: Tensor | undefined;
  /** The inputs of the late products. */
  readonly lateInputs: Tensor | undefined;
  /** Zeros for biases that the layer does not have. */
  readonly zeros: Tensor;
  /** The offsets of b and of the bias of gates of the state, or of zeros, for the forward pass. */
  readonly bias: number;
  readonly recurrentBias: number;
  /** The layer normalization of x·U. */
  readonly inputNorm: Normalization | undefined;
  /** The layer normalization of a state. */
  readonly stateNorm: Normalization | undefined;
  /** h·W of the gates that do not wait; undefined if there are none. */
  readonly product: RecurrentProduct | undefined;
  /** h·W of the late gates. */
  readonly lateProduct: RecurrentProduct | undefined;

  /** Allocates everything, and copies the inputs and first states. */
  constructor(
    cell: Cell,
    x: Tensor,
    initial: readonly Tensor[],
    weights: CellWeights,
    { reverse, lengths, mask }: SequenceOptions,
  ) {
    this.cell = cell;
    this.weights = weights;
    this.reverse = reverse;
    this.mask = mask;
    const [batch, time] = [this.batch, this.time] = x.shape as [number, number, number];
    const hidden = this.hidden = initial[0]!.shape[1]!;
    this.heads = cell.heads;
    this.step = 4 * batch * hidden;
    const layout = this.layout = layoutOf(cell);
    this.padding = new Padding(lengths);
    this.inputs = timeMajorInputs(x, this.padding);
    this.gates = empty([time, cell.gates.length, batch, hidden]);
    this.states = empty([initial.length, time + 1, batch, hidden]);
    initial.forEach(({ offset }, i) => {
      coreKernels.copyRows(offset, 0, this.firstState(this.states.offset, i), 0, 1, this.step);
    });
    this.saved = empty([cell.saved.length, time, batch, hidden]);
    this.zeros = zeros([Math.max(layout.u, layout.d) * hidden]);
    this.bias = (weights.bias ?? this.zeros).offset;
    this.recurrentBias = (weights.recurrentBias ?? this.zeros).offset;
    if (mask !== undefined) this.masked = empty([time, batch, hidden]);
    if (layout.late < layout.w) this.lateInputs = empty([time, batch, hidden]);

    const { inputGain, recurrentGain, recurrentWeight } = weights;
    const rows = time * batch;
    this.inputNorm = inputGain && new Normalization({ rows, hidden, blocks: layout.inputBlocks }, inputGain);
    const gain = cell.normalized === undefined ? undefined : weights[`${cell.normalized}Gain`];
    this.stateNorm = gain && new Normalization({ rows, hidden, blocks: [{ from: 0, to: 1 }] }, gain);
    if (recurrentWeight === undefined) return;
    const stride = (layout.shared === undefined ? layout.w : layout.u) * hidden;
    const shared = { batch, time, hidden, heads: cell.heads, weight: recurrentWeight, gain: recurrentGain, stride };
    const { early, late } = layout.stateBlocks;
    this.product = recurrentProduct(shared, early);
    if (late.length > 0) this.lateProduct = recurrentProduct(shared, late);
  }

  /** The i-th time step in the order of the run. */
  timeStep(i: number): number {
    return this.reverse ? this.time - 1 - i : i;
  }

  /** The offset of a time step in a table [time, batch, width]. */
  at(table: number, t: number, row: number, width: number = this.hidden): number {
    return table + 4 * (t * this.batch + row) * width;
  }

  /** The offset of the hidden state before a time step in a table of states; those of the other states follow at a distance. */
  before(table: number, t: number, row: number): number {
    return this.at(table, this.reverse ? t + 1 : t, row);
  }

  /** The same after a time step. */
  after(table: number, t: number, row: number): number {
    return this.at(table, this.reverse ? t : t + 1, row);
  }

  /** Bytes from one state to the next in a table of states. */
  get distance(): number {
    return (this.time + 1) * this.step;
  }

  /** The offset of a state before the first step of the run. */
  firstState(table: number, state: number): number {
    return table + state * this.distance + (this.reverse ? this.time * this.step : 0);
  }

  /** The offset of a state after the last step of the run. */
  lastState(table: number, state: number): number {
    return table + state * this.distance + (this.reverse ? 0 : this.time * this.step);
  }

  /** The offset of the values of the gates at a time step; those of the other gates follow, `step` bytes apart. */
  gatesAt(t: number, row: number): number {
    return this.gates.offset + t * this.cell.gates.length * this.step + 4 * row * this.hidden;
  }

  /** The offset of the input of the recurrent products. */
  inputAt(t: number, row: number): number {
    return this.masked === undefined ? this.before(this.states.offset, t, row) : this.at(this.masked.offset, t, row);
  }
}

/** x as [time, batch, inputSize], with zeros in the padding, which may hold anything, including NaN. */
function timeMajorInputs(x: Tensor, padding: Padding): Tensor {
  const [batch, time, inputSize] = x.shape as [number, number, number];
  const inputs = empty([time, batch, inputSize]);
  swapAxes(x.offset, inputs.offset, batch, time, inputSize);
  const all = { from: 0, count: batch };
  for (let t = 0; t < time && !padding.isEmpty; t++) {
    padding.zeroRows(t, all, inputs.offset + 4 * t * batch * inputSize, inputSize);
  }
  return inputs;
}
