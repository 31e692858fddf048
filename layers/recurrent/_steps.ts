import { coreKernels, view } from "@unfold/core/kernels";
import type { Rows } from "./_product.ts";
import type { CellWeights, Run } from "./_run.ts";
import type { BackwardStep, Cell, ForwardStep, StateNorm, StepValues } from "./cell.ts";

/** Some values of the current time step. One object serves all steps: its offset changes. */
class Slot implements StepValues {
  offset = 0;
  readonly #owner: { readonly size: number };

  constructor(owner: { readonly size: number }) {
    this.#owner = owner;
  }

  get data(): Float32Array<ArrayBuffer> {
    return view(this.offset, this.#owner.size);
  }
}

/** Slots by name. */
class Slots {
  readonly byName: Readonly<Record<string, Slot>>;
  readonly #slots: readonly Slot[];

  constructor(names: readonly string[], owner: { readonly size: number }) {
    this.#slots = names.map(() => new Slot(owner));
    this.byName = Object.fromEntries(names.map((name, i) => [name, this.#slots[i]!]));
  }

  /** Moves the first slot to an offset, and the others to equal distances after it. */
  moveTo(offset: number, distance: number): void {
    for (let i = 0; i < this.#slots.length; i++) this.#slots[i]!.offset = offset + i * distance;
  }
}

/** The names of a cell's values, and slots for them. */
function slotsOf(cell: Cell, step: { readonly size: number; readonly hidden: number }) {
  const own = {
    get size() {
      return step.hidden;
    },
  };
  return {
    gates: new Slots(cell.gates.map(({ name }) => name), step),
    before: new Slots(cell.states, step),
    after: new Slots(cell.states, step),
    saved: new Slots(cell.saved, step),
    weights: new Slots(Object.keys(cell.weights), own),
  };
}

/** Steps of cells that no run uses. Making one takes longer than a time step of a small layer. */
const idle = { forward: new WeakMap<Cell, RunStep>(), backward: new WeakMap<Cell, RunBackwardStep>() };

/** What a cell sees of a run, one time step after the other. */
export class RunStep implements ForwardStep, Disposable {
  rows = 0;
  size = 0;
  hidden = 0;
  readonly gates: Readonly<Record<string, Slot>>;
  readonly before: Readonly<Record<string, Slot>>;
  readonly after: Readonly<Record<string, Slot>>;
  readonly saved: Readonly<Record<string, Slot>>;
  readonly weights: Readonly<Record<string, Slot>>;
  readonly input: Slot = new Slot(this);
  readonly lateInput: Slot = new Slot(this);
  norm: StateNorm | undefined;
  readonly #slots: ReturnType<typeof slotsOf>;
  /** The names of the cell's own weights. */
  readonly #own: readonly string[];
  protected readonly cell: Cell;
  protected run!: Run;
  /** The time step, and its first row. */
  #t = 0;
  #row = 0;
  /** Where the tables of the run start; 0 for those that it does not have. */
  #gates = 0;
  #states = 0;
  #saved = 0;
  #masked = 0;
  #late = 0;
  /** Bytes of the gates of one time step. */
  #gateBytes = 0;

  protected constructor(cell: Cell) {
    this.cell = cell;
    this.#own = Object.keys(cell.weights);
    const { gates, before, after, saved, weights } = this.#slots = slotsOf(cell, this);
    [this.gates, this.before, this.after] = [gates.byName, before.byName, after.byName];
    [this.saved, this.weights] = [saved.byName, weights.byName];
  }

  /** A step for a run, which must dispose of it. */
  static take(run: Run): RunStep {
    const step = idle.forward.get(run.cell) ?? new RunStep(run.cell);
    idle.forward.delete(run.cell);
    step.begin(run, undefined);
    return step;
  }

  [Symbol.dispose](): void {
    idle.forward.set(this.cell, this);
  }

  /** Goes to the start of a run. The gradients are those of its weights, in the backward pass. */
  protected begin(run: Run, gradients: CellWeights | undefined): void {
    this.run = run;
    this.hidden = run.hidden;
    this.#gates = run.gates.offset;
    this.#states = run.states.offset;
    this.#saved = run.saved.offset;
    this.#masked = run.masked?.offset ?? 0;
    this.#late = run.lateInputs?.offset ?? 0;
    this.#gateBytes = run.cell.gates.length * run.step;
    for (const name of this.#own) this.weights[name]!.offset = run.weights[name]!.offset;
    this.norm = run.stateNorm && this.#normOf(run, gradients);
  }

  #normOf({ batch, hidden, cell, weights, zeros, stateNorm }: Run, gradients: CellWeights | undefined): StateNorm {
    const [gain, bias] = [`${cell.normalized}Gain`, `${cell.normalized}Bias`];
    const stride = 4 * hidden;
    const portion = () => ({ row: this.#t * batch + this.#row, rows: this.rows });
    return {
      forward: (x, y) => {
        const shift = { offset: (weights[bias] ?? zeros).offset, stride: 0 };
        stateNorm!.forward(portion(), x.offset, { offset: y.offset, stride }, shift);
      },
      backward: ({ offset }, dx) => {
        const dBias = gradients![bias];
        if (dBias !== undefined) coreKernels.sumInto(offset, dBias.offset, this.rows, hidden, 0, 4);
        stateNorm!.backward(portion(), { offset, stride }, dx.offset, gradients![gain]!);
      },
    };
  }

  /** Goes to some rows of a time step. */
  moveTo(t: number, { from, count }: Rows): void {
    const { gates, before, after, saved } = this.#slots;
    const { hidden, time, step, distance, reverse } = this.run;
    const at = 4 * from * hidden;
    this.#t = t;
    this.#row = from;
    this.rows = count;
    this.size = count * hidden;
    const now = t * step + at;
    const [early, late] = reverse ? [now + step, now] : [now, now + step];
    gates.moveTo(this.#gates + t * this.#gateBytes + at, step);
    before.moveTo(this.#states + early, distance);
    after.moveTo(this.#states + late, distance);
    saved.moveTo(this.#saved + now, time * step);
    this.input.offset = this.#masked === 0 ? this.#states + early : this.#masked + now;
    this.lateInput.offset = this.#late + now;
  }
}

/** The memory of gradients that a {@linkcode RunBackwardStep} shows to the cell. */
export interface StepGradients {
  /** ∂loss/∂weights. */
  readonly weights: CellWeights;
  /** ∂loss/∂states, [states, time + 1, batch, hidden]. */
  readonly states: number;
  /** ∂loss/∂values of the gates of one time step, [gates, batch, hidden]. */
  readonly gates: number;
  /** ∂loss/∂(the cell's own weights) of every row, [weights, time, batch, hidden]. */
  readonly own: number;
  /** ∂loss/∂(mask ⊙ hidden state) of one time step, if there is a mask, [batch, hidden]. */
  readonly masked: number;
  /** ∂loss/∂(late input) of one time step, [batch, hidden]. */
  readonly late: number;
}

/** What a cell sees of the backward pass, one time step after the other. */
export class RunBackwardStep extends RunStep implements BackwardStep {
  readonly dAfter: Readonly<Record<string, Slot>>;
  readonly dGates: Readonly<Record<string, Slot>>;
  readonly dBefore: Readonly<Record<string, Slot>>;
  readonly dWeights: Readonly<Record<string, Slot>>;
  readonly dInput: Slot = new Slot(this);
  readonly dLateInput: Slot = new Slot(this);
  readonly #slots: Omit<ReturnType<typeof slotsOf>, "saved">;
  #gradients!: StepGradients;

  protected constructor(cell: Cell) {
    super(cell);
    const { gates, before, after } = this.#slots = slotsOf(cell, this);
    [this.dAfter, this.dGates, this.dBefore] = [after.byName, gates.byName, before.byName];
    // Gradients of every row.
    const weights = new Slots(Object.keys(cell.weights), this);
    this.#slots = { gates, before, after, weights };
    this.dWeights = weights.byName;
  }

  static override take(run: Run, gradients?: StepGradients): RunBackwardStep {
    const step = idle.backward.get(run.cell) ?? new RunBackwardStep(run.cell);
    idle.backward.delete(run.cell);
    step.#gradients = gradients!;
    step.begin(run, gradients!.weights);
    return step;
  }

  override [Symbol.dispose](): void {
    idle.backward.set(this.cell, this);
  }

  override moveTo(t: number, rows: Rows): void {
    super.moveTo(t, rows);
    const { states, gates, own, masked, late } = this.#gradients;
    const slots = this.#slots;
    const { hidden, time, step, distance, reverse, mask } = this.run;
    const at = 4 * rows.from * hidden;
    const now = t * step + at;
    const before = states + (reverse ? now + step : now);
    slots.after.moveTo(states + (reverse ? now : now + step), distance);
    slots.before.moveTo(before, distance);
    slots.gates.moveTo(gates + at, step);
    slots.weights.moveTo(own + now, time * step);
    this.dInput.offset = mask === undefined ? before : masked + at;
    this.dLateInput.offset = late + at;
  }
}
