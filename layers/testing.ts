/**
 * The test of a recurrent cell, as one line.
 *
 * @example
 * ```ts
 * import { add, matmul, tanh } from "@unfold/core";
 * import { SimpleRNN } from "@unfold/layers";
 * import { checkCell } from "@unfold/layers/testing";
 *
 * await checkCell<"hidden">({
 *   layer: (options) => new SimpleRNN(options),
 *   composed: (x, { hidden }, { inputWeight: U, recurrentWeight: W, bias: b }) => ({
 *     hidden: tanh(add(add(matmul(x, U), matmul(hidden, W)), b)),
 *   }),
 * });
 * ```
 *
 * @module
 */

import {
  add,
  concat,
  full,
  multiply,
  noGrad,
  Random,
  reshape,
  scope,
  type Shape,
  slice,
  sum,
  type Tensor,
  tensor,
  zeros,
} from "@unfold/core";
import { assertClose, checkThreads, type NamedResults } from "@unfold/core/testing";
import assert from "node:assert/strict";
import type { Layer, RecurrentResult, RunOptions } from "./layer.ts";
import { checkStep } from "./recurrent/_check_step.ts";
import type { Recurrent, RecurrentOptions } from "./recurrent/recurrent.ts";
import { composedRun, type ComposedStep, type NamedStates } from "./recurrent/recurrent_from.ts";
import { loadModel, saveModel } from "./saving.ts";

/** The weights of one layer in one direction by name. Biases that the layer does not have are zeros. */
export type ComposedWeights =
  & Readonly<Record<"inputWeight" | "recurrentWeight" | "bias" | "recurrentBias", Tensor>>
  & Readonly<Record<string, Tensor>>;

/** What {@linkcode checkCell} checks. */
export interface CellCheck<Name extends string> {
  /** Makes the layer of the cell. All options must reach the constructor of `Recurrent`. */
  layer: (options: RecurrentOptions) => Recurrent<NamedStates<Name>>;
  /**
   * The cell as one time step composed of ops: the oracle. It gets the weights of the layer by their names, such as `inputWeight`
   * and the cell's own.
   */
  composed: ComposedStep<Name, ComposedWeights>;
  /**
   * Features of the state.
   *
   * @default {5}
   */
  hiddenSize?: number;
  /**
   * The bound on the errors of the layer against the composed cell, relative to the largest value.
   *
   * @default {1e-4}
   */
  tolerance?: number;
}

const [BATCH, TIME, INPUT_SIZE] = [4, 6, 3];
/** The number of sequences that threads share. */
const MANY = 13;
/** Time steps of each sequence where there is padding. */
const LENGTHS = [6, 2, 0, 5];

/**
 * Checks a recurrent cell:
 *
 * 1. `backward` gives the gradients of `forward` in one time step: of each gate, each state and each of the cell's own weights,
 *    compared with central differences;
 * 2. the layer equals the composed cell, in its values and in the gradients of x, the first states and all weights: without
 *    options, from a given state, without biases, on padded sequences, in both directions, and with two layers;
 * 3. single steps and two half runs equal one run;
 * 4. results are the same on one to four threads, bit for bit;
 * 5. a saved and loaded layer gives the same output, bit for bit.
 *
 * @throws {Error} If a check fails. The message names the gate and the gradient: "LightUnit: backward must give dGates.forget = …".
 */
export async function checkCell<Name extends string>(check: CellCheck<Name>): Promise<void> {
  const { layer: make, hiddenSize = 5, tolerance = 1e-4 } = check;
  const layerOf = (options: Partial<RecurrentOptions> = {}) => {
    const random = new Random(2);
    const layer = make({ inputSize: INPUT_SIZE, hiddenSize, ...options, random });
    // Biases of zeros would hide a wrong one.
    for (const part of layer.parts) {
      for (const [name, parameter] of Object.entries(part.weights)) {
        if (!/Weight$/.test(name)) parameter!.data.forEach((value, i, data) => data[i] = value + random.normal(0, 0.3));
      }
    }
    return layer;
  };
  checkStep(layerOf().cell, hiddenSize, typicalStates(layerOf()));
  const variants: [what: string, options: Partial<RecurrentOptions>, run: { lengths?: number[]; state?: boolean }][] = [
    ["a run from zeros", {}, {}],
    ["a run from a given state", {}, { state: true }],
    ["a layer without biases", { bias: false }, {}],
    ["padded sequences", {}, { lengths: LENGTHS, state: true }],
    ["both directions", { bidirectional: true }, { state: true }],
    ["two layers in both directions, padded", { bidirectional: true, layers: 2 }, { lengths: LENGTHS, state: true }],
  ];
  for (const [what, options, { lengths, state = false }] of variants) {
    compareWithComposed(check, layerOf(options), { what, lengths, state, tolerance });
  }
  checkStreaming(layerOf({ layers: 2 }));
  await checkThreads(() => resultsOf(layerOf({ layers: 2, bidirectional: true })));
  checkSaving(check, layerOf({ layers: 2, bidirectional: true }));
}

function draw(random: Random, shape: Shape): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float32Array.from({ length: size }, () => random.normal()), { shape, requiresGrad: true });
}

/** The states after some time steps, which are in the range that the cell expects. */
function typicalStates<Name extends string>(layer: Recurrent<NamedStates<Name>>): Record<Name, Float32Array> {
  using _ = scope();
  const { state } = layer.run(draw(new Random(3), [BATCH, TIME, INPUT_SIZE]));
  return Object.fromEntries(layer.cell.states.map((name) => [name, state[name as Name].data.slice()])) as Record<
    Name,
    Float32Array
  >;
}

/** Compares a layer with the composed cell: values, then all gradients. */
function compareWithComposed<Name extends string>(
  check: CellCheck<Name>,
  layer: Recurrent<NamedStates<Name>>,
  { what, lengths, state, tolerance }: {
    readonly what: string;
    readonly lengths: number[] | undefined;
    readonly state: boolean;
    readonly tolerance: number;
  },
): void {
  using _ = scope();
  const { cell, parts, hiddenSize } = layer;
  const typical = state ? typicalStates(layer) : undefined;
  const compute = (run: (x: Tensor, options: RunOptions<NamedStates<Name>>) => RecurrentResult<NamedStates<Name>>) => {
    const random = new Random(4);
    const x = draw(random, [BATCH, TIME, INPUT_SIZE]);
    const first = typical && Object.fromEntries(
      Object.entries<Float32Array>(typical).map(([name, data]) =>
        [name, tensor(data, { shape: [BATCH, parts.length * hiddenSize], requiresGrad: true })] as const
      ),
    ) as Record<Name, Tensor> | undefined;
    const { output, state } = run(x, { ...(lengths && { lengths }), ...(first && { state: first }) });
    const values: Record<string, Tensor> = { output };
    for (const name of cell.states) values[`the last state ${name}`] = state[name as Name];
    for (const parameter of Object.values(layer.parameters())) parameter.zeroGrad();
    Object.values(values).map((value) => sum(multiply(value, draw(random, value.shape)))).reduce((a, b) => add(a, b))
      .backward();
    const results: Record<string, Float32Array> = {
      ...mapped(values, ({ data }) => data.slice()),
      "∂loss/∂x": x.grad!.data.slice(),
      ...mapped<Tensor>(
        first ?? {},
        ({ grad, size }) => grad?.data.slice() ?? new Float32Array(size),
        "∂loss/∂(first state) ",
      ),
      ...mapped(layer.parameters(), ({ grad }) => grad.data.slice(), "∂loss/∂"),
    };
    return results;
  };
  const expected = compute((x, options) => composedLayer(check, layer, x, options));
  const got = compute((x, options) => layer.run(x, options));
  for (const [name, data] of Object.entries(expected)) {
    const title = `${cell.name}, ${what}, against the composed cell: ${name}`;
    for (const [gate, columns] of gatesIn(layer, name)) {
      const chosen = (values: Float32Array) => columns === undefined ? values : values.filter((_, i) => columns(i));
      assertClose(chosen(got[name]!), chosen(data), { tolerance, floor: 1, name: title + gate });
    }
  }
}

function mapped<T>(
  values: Readonly<Record<string, T>>,
  f: (value: T) => Float32Array,
  prefix = "",
): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, f(value)]));
}

/** The gates that a weight's columns belong to, with a test of an index; all of it for other values. */
function gatesIn<Name extends string>(
  { cell, hiddenSize }: Recurrent<NamedStates<Name>>,
  name: string,
): [what: string, isOwn: ((index: number) => boolean) | undefined][] {
  const weight = /(inputWeight|recurrentWeight|bias|recurrentBias)$/.exec(name)?.[0];
  if (weight === undefined) return [["", undefined]];
  const without = { inputWeight: "state", bias: "state", recurrentWeight: "input" }[weight];
  const gates = cell.gates.filter(({ of }) => without === undefined ? of === "state" : of !== without);
  const size = weight === "recurrentWeight" ? hiddenSize / cell.heads : hiddenSize;
  return gates.map(({ name }, gate) => {
    return [`, gate ${name}`, (index: number) => Math.floor(index / size) % gates.length === gate];
  });
}

/** Runs the composed cell with the weights of a layer, stacked and in both directions as the layer is. */
function composedLayer<Name extends string>(
  { composed }: CellCheck<Name>,
  layer: Recurrent<NamedStates<Name>>,
  x: Tensor,
  { state, lengths }: RunOptions<NamedStates<Name>>,
): RecurrentResult<NamedStates<Name>> {
  const { parts, hiddenSize } = layer;
  const names = layer.cell.states as readonly Name[];
  const directions = layer.outputSize / hiddenSize;
  const first = state ?? layer.initialState(x.shape[0]!);
  const lasts: NamedStates<Name>[] = [];
  let output = x;
  for (let from = 0; from < parts.length; from += directions) {
    const outputs = parts.slice(from, from + directions).map(({ weights }, direction) => {
      const start = (from + direction) * hiddenSize;
      const own = Object.fromEntries(
        names.map((name) => [name, slice(first[name], { axis: 1, start, end: start + hiddenSize })]),
      ) as NamedStates<Name>;
      const { gates } = layer.cell;
      const zerosFor = (isOwn: (of: string) => boolean) =>
        zeros([gates.filter(({ of }) => isOwn(of)).length * hiddenSize]);
      const all = {
        bias: zerosFor((of) => of !== "state"),
        recurrentBias: zerosFor((of) => of === "state"),
        ...weights,
      } as unknown as ComposedWeights;
      const step = (x: Tensor, state: NamedStates<Name>) => composed(x, state, all);
      const result = composedRun(step, output, own, { states: names, lengths, reverse: direction === 1 });
      lasts.push(result.state);
      return result.output;
    });
    output = concat(outputs, { axis: 2 });
  }
  const last = names.map((name) => [name, concat(lasts.map((state) => state[name]), { axis: 1 })] as const);
  return { output, state: Object.fromEntries(last) as NamedStates<Name> };
}

/** Compares one run with single steps, and with two half runs. */
function checkStreaming<Name extends string>(layer: Recurrent<NamedStates<Name>>): void {
  using _ = scope();
  const { cell: { name: cell, states }, outputSize } = layer;
  const x = draw(new Random(5), [BATCH, TIME, INPUT_SIZE]);
  const run = layer.run(x);
  const compare = (what: string, { output, state }: RecurrentResult<NamedStates<Name>>) => {
    const options = { tolerance: 1e-5, floor: 1 };
    assertClose(output.data, run.output.data, { ...options, name: `${cell}: the output of ${what}, against one run` });
    for (const name of states as readonly Name[]) {
      assertClose(state[name].data, run.state[name].data, {
        ...options,
        name: `${cell}: the state ${name} after ${what}, against one run`,
      });
    }
  };
  const outputs: Tensor[] = [];
  let state = layer.initialState(BATCH);
  for (let t = 0; t < TIME; t++) {
    const now = reshape(slice(x, { axis: 1, start: t, end: t + 1 }), [BATCH, INPUT_SIZE]);
    const next = noGrad(() => layer.step(now, state));
    outputs.push(reshape(next.output, [BATCH, 1, outputSize]));
    state = next.state;
  }
  compare("single steps", { output: concat(outputs, { axis: 1 }), state });
  const first = layer.run(slice(x, { axis: 1, end: 2 }));
  const second = layer.run(slice(x, { axis: 1, start: 2 }), { state: first.state });
  compare("two part runs", { output: concat([first.output, second.output], { axis: 1 }), state: second.state });
}

/** Fills memory that the next tensors take with NaN, so that a cell that reads too early does not find what it left there before. */
function spoilMemory(): void {
  using _ = scope();
  full([1 << 18], NaN);
}

/** Output, states and gradients of a padded batch. */
function resultsOf<Name extends string>(layer: Recurrent<NamedStates<Name>>): NamedResults {
  spoilMemory();
  const random = new Random(6);
  const x = draw(random, [MANY, TIME, INPUT_SIZE]);
  const lengths = Array.from({ length: MANY }, () => random.integer(TIME + 1));
  const { output, state } = layer.run(x, { lengths });
  const values = [output, ...Object.values<Tensor>(state)];
  values.map((value) => sum(multiply(value, draw(random, value.shape)))).reduce((a, b) => add(a, b)).backward();
  const { name } = layer.cell;
  return {
    [`${name}: the output`]: output.data,
    ...mapped<Tensor>(state, ({ data }) => data, `${name}: the state `),
    [`${name}: ∂loss/∂x`]: x.grad!.data,
    ...mapped(layer.parameters(), ({ grad }) => grad.data, `${name}: ∂loss/∂`),
  };
}

/** Saves and loads a layer, and compares the outputs. */
function checkSaving<Name extends string>({ layer: make }: CellCheck<Name>, layer: Recurrent<NamedStates<Name>>): void {
  using _ = scope();
  const { name } = layer.cell;
  const { architecture } = layer as Layer;
  assert.ok(
    architecture !== undefined,
    `${name}: the layer must have an architecture() method, got none; return this.describe(${name}, { type: "${name}" })`,
  );
  const { type } = architecture.call(layer);
  const built = loadModel(saveModel(layer), {
    layers: { [type]: ({ type: _, id: __, ...options }) => make(options as unknown as RecurrentOptions) },
  });
  const x = draw(new Random(7), [BATCH, TIME, INPUT_SIZE]);
  const [wanted, got] = [layer, built].map((one) => [...noGrad(() => one.forward(x)).data]);
  assert.deepEqual(got, wanted, `${name}: the output after saveModel and loadModel must be the same`);
}
