import { Random, scope, tensor } from "@unfold/core";
import type { Activation, BackwardStep, Cell } from "./cell.ts";

/** The number of sequences in the step. */
const ROWS = 3;
/** The most elements of each input whose gradient is compared. */
const SAMPLED = 12;
/** The step of the differences. */
const STEP = 0.01;
/** How far a gradient may be off, relative to the largest one of the same input, or to 1. */
const TOLERANCE = 1e-3;

/** Throws unless a condition holds. */
function ensure(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

type Values = Float32Array<ArrayBuffer>;
type Named = Record<string, Values>;

/** The inputs of one time step. */
interface StepInputs {
  readonly gates: Named;
  readonly before: Named;
  /** [hidden] each. */
  readonly weights: Named;
  readonly input: Named;
}

/** What the inputs of each kind are called in the backward step. */
const KINDS = { gates: "dGates", before: "dBefore", weights: "dWeights", input: "dInput" } as const;
type Kind = keyof typeof KINDS;

/** Values as an activation makes them, away from the ends of its range. */
const DRAWS: Readonly<Record<Activation, (random: Random) => number>> = {
  sigmoid: (random) => random.uniform(0.1, 0.9),
  tanh: (random) => random.uniform(-0.9, 0.9),
  relu: (random) => random.uniform(0.1, 2),
  linear: (random) => random.normal(),
};

/**
 * Compares the backward of one time step of a cell with central differences of its forward: the gradient of each gate, each state
 * and each of its own weights.
 *
 * @param states Typical states, [rows, hidden] each; there may be more rows than needed.
 */
export function checkStep(cell: Cell, hidden: number, states: Readonly<Record<string, ArrayLike<number>>>): void {
  const random = new Random(1);
  const size = ROWS * hidden;
  const drawn = (count: number, draw: (random: Random) => number) =>
    Float32Array.from({ length: count }, () => draw(random));
  const before = named(cell.states, (name) => Float32Array.from({ length: size }, (_, i) => states[name]![i]!));
  const inputs: StepInputs = {
    gates: named(cell.gates.map(({ name }) => name), (_, i) => drawn(size, DRAWS[cell.gates[i]!.activation])),
    before,
    weights: named(Object.keys(cell.weights), () => drawn(hidden, (random) => random.normal())),
    input: { input: before[cell.states[0]!]!.slice() },
  };
  const factors = named([...cell.states, "lateInput"], () => drawn(size, (random) => random.normal()));
  const gradients = backward(cell, hidden, inputs, factors);
  for (const kind of Object.keys(KINDS) as Kind[]) {
    for (const [name, values] of Object.entries(inputs[kind])) {
      const field = kind === "input" ? "dInput" : `${KINDS[kind]}.${name}`;
      compare(
        { cell, field, values, got: gradients[kind][name]!, random, hidden },
        () => loss(cell, hidden, inputs, factors),
      );
    }
  }
}

function named(names: readonly string[], make: (name: string, index: number) => Values): Named {
  return Object.fromEntries(names.map((name, i) => [name, make(name, i)]));
}

/** The memory of one time step, with everything that a cell must write set to NaN. */
function stepOf(cell: Cell, hidden: number, inputs: StepInputs): BackwardStep {
  const size = ROWS * hidden;
  const held = (values: Named) =>
    Object.fromEntries(Object.entries(values).map(([name, data]) => [name, tensor(data)]));
  const unset = (names: readonly string[]) => held(named(names, () => new Float32Array(size).fill(NaN)));
  const gates = cell.gates.map(({ name }) => name);
  return {
    ...{ rows: ROWS, hidden, size },
    ...{ gates: held(inputs.gates), before: held(inputs.before), weights: held(inputs.weights) },
    ...{ after: unset(cell.states), saved: unset(cell.saved) },
    ...{ input: tensor(inputs.input.input!), lateInput: unset(["late"]).late! },
    ...{ dAfter: unset(cell.states), dGates: unset(gates), dBefore: unset(cell.states) },
    dWeights: unset(Object.keys(cell.weights)),
    ...{ dInput: tensor(new Float32Array(size)), dLateInput: unset(["late"]).late! },
  };
}

/** Runs the step forward. */
function forward(cell: Cell, hidden: number, inputs: StepInputs): BackwardStep {
  const step = stepOf(cell, hidden, inputs);
  cell.late?.forward(step);
  cell.forward(step);
  for (const [name, { data }] of Object.entries(step.after)) {
    const at = data.findIndex(Number.isNaN);
    ensure(at < 0, `${cell.name}: forward must write all of after.${name}, got NaN at ${place(at, hidden)}`);
  }
  return step;
}

/** A weighting of all results. */
function loss(cell: Cell, hidden: number, inputs: StepInputs, factors: Named): number {
  using _ = scope();
  const { after, lateInput } = forward(cell, hidden, inputs);
  const results = { ...after, ...(cell.late !== undefined && { lateInput }) };
  return Object.entries(results).reduce((total, [name, { data }]) => {
    return total + data.reduce((sum, value, i) => sum + value * factors[name]![i]!, 0);
  }, 0);
}

/** Runs the step forward and backward, and returns the gradients of its inputs. */
function backward(cell: Cell, hidden: number, inputs: StepInputs, factors: Named): Readonly<Record<Kind, Named>> {
  using _ = scope();
  const step = forward(cell, hidden, inputs);
  for (const [name, { data }] of Object.entries(step.dAfter)) data.set(factors[name]!);
  if (cell.late !== undefined) step.dLateInput.data.set(factors.lateInput!);
  // The cell must add to these.
  const present = (name: string) => factors[name]!;
  for (const [name, { data }] of Object.entries(step.dBefore)) data.set(present(name));
  cell.backward(step);
  cell.late?.backward(step);
  for (const [name, { data }] of Object.entries({ ...step.dGates, ...step.dWeights })) {
    const field = name in step.dGates ? "dGates" : "dWeights";
    const at = data.findIndex(Number.isNaN);
    ensure(at < 0, `${cell.name}: backward must write all of ${field}.${name}, got NaN at ${place(at, hidden)}`);
  }
  const copies = (values: Readonly<Record<string, { readonly data: Values }>>) =>
    Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, data.slice()]));
  const dBefore = Object.fromEntries(
    Object.entries(copies(step.dBefore)).map((
      [name, data],
    ) => [name, data.map((value, i) => value - present(name)[i]!)]),
  );
  const dWeights = Object.fromEntries(
    Object.entries(step.dWeights).map(([name, { data }]) => [name, sumOfRows(data, hidden)]),
  );
  return { gates: copies(step.dGates), before: dBefore, weights: dWeights, input: { input: step.dInput.data.slice() } };
}

function sumOfRows(data: Values, hidden: number): Values {
  return Float32Array.from({ length: hidden }, (_, j) => {
    let total = 0;
    for (let row = 0; row < ROWS; row++) total += data[row * hidden + j]!;
    return total;
  });
}

function place(at: number, hidden: number): string {
  return `row ${Math.floor(at / hidden)}, feature ${at % hidden}`;
}

/** Compares some elements of a gradient with central differences of five points. */
function compare(
  { cell, field, values, got, random, hidden }: {
    readonly cell: Cell;
    readonly field: string;
    readonly values: Values;
    readonly got: Values;
    readonly random: Random;
    readonly hidden: number;
  },
  lossNow: () => number,
): void {
  const sampled = [...random.permutation(values.length)].slice(0, SAMPLED);
  const difference = (at: number, h: number) => {
    const value = values[at]!;
    const near = (distance: number) => {
      values[at] = value + distance;
      // What the value really is, in 32 bits.
      return [lossNow(), values[at] - value] as const;
    };
    const [[below, low], [above, high]] = [near(-h), near(h)];
    const [[farBelow, farLow], [farAbove, farHigh]] = [near(-2 * h), near(2 * h)];
    values[at] = value;
    return (4 * (above - below) / (high - low) - (farAbove - farBelow) / (farHigh - farLow)) / 3;
  };
  const scale = Math.max(1, ...sampled.map((at) => Math.abs(got[at]!)));
  let smooth = 0;
  for (const at of sampled) {
    const [wanted, closer] = [difference(at, STEP), difference(at, STEP / 2)];
    // A kink is near.
    if (!(Math.abs(wanted - closer) <= TOLERANCE * scale)) continue;
    smooth++;
    ensure(
      Math.abs(got[at]! - wanted) <= TOLERANCE * scale,
      `${cell.name}: backward must give ${field} = ${wanted.toPrecision(4)} at ${
        place(at, hidden)
      }, as central differences of ` +
        `forward do, got ${got[at]!.toPrecision(4)}${
          field.startsWith("dBefore") ? "; it must add to what is there" : ""
        }`,
    );
  }
  ensure(
    2 * smooth > sampled.length,
    `${cell.name}: forward must have differences of which most agree at two distances, for ${field}; got ${smooth} of ` +
      `${sampled.length}`,
  );
}
