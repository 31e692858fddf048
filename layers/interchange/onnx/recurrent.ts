import type { Layer, RecurrentLayer, RecurrentState } from "../../layer.ts";
import { GRU } from "../../recurrent/gru.ts";
import { LSTM } from "../../recurrent/lstm.ts";
import type { Recurrent, RecurrentPart } from "../../recurrent/recurrent.ts";
import { SimpleRNN } from "../../recurrent/simple_rnn.ts";
import { reorderGates, transposed } from "../_gates.ts";
import { Ops } from "./_ops.ts";
import type { OnnxGraph, OnnxValue } from "./graph.ts";

/** What {@linkcode recurrentNodes} adds to a graph. */
export interface RecurrentValues {
  /** The output at every time step, [batch, time, outputSize]. */
  readonly output: OnnxValue;
  /** The state after the last time step, [batch, parts·hiddenSize] each, by name. */
  readonly state: Readonly<Record<string, OnnxValue>>;
}

/** Where {@linkcode recurrentNodes} adds its nodes. */
export interface RecurrentNodesOptions {
  /** The input, [batch, time, inputSize]. */
  readonly x: OnnxValue;
  /** The graph. */
  readonly graph: OnnxGraph;
  /**
   * A prefix for the names of its states, as in {@linkcode OnnxGraph.layer}. Needed if a layer contains several recurrent ones.
   *
   * @default {none}
   */
  readonly name?: string;
}

/**
 * Adds a `SimpleRNN`, `LSTM` or `GRU` to a graph and returns what {@linkcode RecurrentLayer.run} does. Use it in the hook of a
 * layer that contains a recurrent layer and needs its state.
 *
 * @param layer The recurrent layer.
 * @param options Its input, and the graph.
 * @throws {TypeError} If it is another kind of layer, or its input has the wrong shape.
 *
 * @example A layer that returns the last state
 * ```ts
 * import type { NamedParameters, Tensor } from "@unfold/core";
 * import { type Layer, LSTM } from "@unfold/layers";
 * import { type LayerInterchange, recurrentNodes, toOnnx } from "@unfold/layers/interchange";
 * import assert from "node:assert/strict";
 *
 * class FinalState implements Layer {
 *   readonly lstm = new LSTM({ inputSize: 3, hiddenSize: 4 });
 *   parameters(): NamedParameters {
 *     return this.lstm.parameters();
 *   }
 *   forward(x: Tensor): Tensor {
 *     return this.lstm.run(x).state.hidden;
 *   }
 * }
 *
 * const finalState: LayerInterchange<FinalState> = {
 *   of: FinalState,
 *   inner: (layer) => [["", layer.lstm]],
 *   onnx: (layer, x, graph) => recurrentNodes(layer.lstm, { x, graph }).state.hidden!,
 * };
 * assert.ok(toOnnx(new FinalState(), { layers: [finalState] }).length > 0);
 * ```
 */
export function recurrentNodes(
  layer: RecurrentLayer<RecurrentState>,
  { x, graph, name }: RecurrentNodesOptions,
): RecurrentValues {
  return graph.inside(name === undefined ? {} : { name }, () => valuesOf(layer, x, graph));
}

function valuesOf(layer: RecurrentLayer<RecurrentState>, x: OnnxValue, graph: OnnxGraph): RecurrentValues {
  const cell = onnxCellOf(layer);
  if (cell === undefined) throw graph.error(layer, "it must be a SimpleRNN, LSTM or GRU");
  const { inputSize, hiddenSize, outputSize, parts } = layer as Recurrent<RecurrentState>;
  graph.check(layer, x, { shape: ["batch", "time", inputSize] });
  const ops = new Ops(graph);
  const carried = graph.carriesState;
  const shape = [x.shape[0]!, parts.length * hiddenSize];
  // The operators take [parts, batch, hidden].
  const before = carried
    ? cell.states.map((name) => {
      const given = graph.input(`state.${graph.path}${name}`, { shape });
      return ops.transpose(ops.unfold(given, [parts.length, hiddenSize]), [1, 0, 2]);
    })
    : undefined;

  const directions = outputSize / hiddenSize;
  const after: (readonly OnnxValue[])[] = [];
  let sequence = ops.transpose(x, [1, 0, 2]);
  for (let first = 0; first < parts.length; first += directions) {
    const made = layerNodes(cell, sequence, {
      ops,
      parts: parts.slice(first, first + directions),
      states: before?.map((state) => ops.slice(state, first, first + directions)),
    });
    sequence = made.output;
    after.push(made.states);
  }
  const output = ops.transpose(sequence, [1, 0, 2]);
  const stateOf = (index: number) => {
    const all = ops.concat(after.map((states) => states[index]!), 0);
    return ops.fold(ops.transpose(all, [1, 0, 2]));
  };
  let state: Readonly<Record<string, OnnxValue>> | undefined;
  const values = {
    output,
    /** Adds its nodes on first use. */
    get state() {
      return state ??= Object.fromEntries(cell.states.map((name, index) => [name, stateOf(index)]));
    },
  };
  if (carried) {
    for (const [name, value] of Object.entries(values.state)) graph.output(`next.${graph.path}${name}`, value);
  }
  return values;
}

function layerNodes(cell: OnnxCell, sequence: OnnxValue, layer: LayerNodes): LayerValues {
  const isNormalized = layer.parts[0]!.weights.inputGain !== undefined;
  return (isNormalized ? normalizedNodes : operatorNodes)(cell, sequence, layer);
}

/** How ONNX represents one of our recurrent layers. */
interface OnnxCell {
  /** Its operator. */
  readonly op: "RNN" | "LSTM" | "GRU";
  /** Its order of our gates. */
  readonly order: readonly number[];
  /** The number of gates in each block that layer normalization covers. */
  readonly blocks: readonly number[];
  /** The names of the states. */
  readonly states: readonly string[];
  /** For an RNN. */
  readonly activation?: "Tanh" | "Relu";
  /** For a GRU. */
  readonly resetAfter?: boolean;
}

/** The cell of a layer, or undefined if it is not a `SimpleRNN`, `LSTM` or `GRU`. */
function onnxCellOf(layer: Layer): OnnxCell | undefined {
  switch (layer.constructor) {
    case SimpleRNN: {
      const activation = (layer as SimpleRNN).activation === "relu" ? "Relu" : "Tanh";
      return { op: "RNN", order: [0], blocks: [1], states: ["hidden"], activation };
    }
    case LSTM:
      // ONNX: i, o, f, c; ours: i, f, g, o.
      return { op: "LSTM", order: [0, 3, 1, 2], blocks: [4], states: ["hidden", "cell"] };
    case GRU: {
      // ONNX: z, r, h; ours: r, z, n.
      const { resetAfter } = layer as GRU;
      return { op: "GRU", order: [1, 0, 2], blocks: [2, 1], states: ["hidden"], resetAfter };
    }
    default:
      return undefined;
  }
}

/** One layer of a stack, in its directions. */
interface LayerNodes {
  readonly ops: Ops;
  readonly parts: readonly RecurrentPart[];
  /** The states before, [directions, batch, hidden]; undefined if they are zeros. */
  readonly states: readonly OnnxValue[] | undefined;
}

/** What a layer computes: [time, batch, directions·hidden], and the states after, [directions, batch, hidden]. */
interface LayerValues {
  readonly output: OnnxValue;
  readonly states: readonly OnnxValue[];
}

/** A layer as one of ONNX's recurrent operators: [time, batch, features] → [time, batch, directions·hidden]. */
function operatorNodes(
  cell: OnnxCell,
  sequence: OnnxValue,
  { ops, parts, states }: LayerNodes,
): LayerValues {
  const { graph } = ops;
  const { lengths } = graph;
  const [time, batch] = sequence.shape as [number | string, number | string];
  const directions = parts.length;
  const hidden = parts[0]!.weights.recurrentWeight!.shape[0]!;
  const { activation, resetAfter } = cell;
  const [made, ...after] = graph.nodeOf(
    cell.op,
    [sequence, ...weightNodes(cell, parts, graph), lengths, ...states ?? []],
    {
      outputs: [
        { shape: [time, directions, batch, hidden] },
        ...cell.states.map(() => ({ shape: [directions, batch, hidden] })),
      ],
      attributes: {
        hidden_size: hidden,
        direction: directions === 2 ? "bidirectional" : "forward",
        ...(activation !== undefined && { activations: parts.map(() => activation) }),
        ...(resetAfter !== undefined && { linear_before_reset: Number(resetAfter) }),
      },
    },
  ) as [OnnxValue, ...OnnxValue[]];
  const output = directions === 1 ? ops.squeeze(made, 1) : ops.fold(ops.transpose(made, [0, 2, 1, 3]));
  if (lengths === undefined || states === undefined) return { output, states: after };
  // The operators drop the state of a sequence of length 0.
  const isEmpty = ops.compare("Equal", lengths, graph.constant(Int32Array.of(0), []), lengths.shape);
  const kept = after.map((state, i) => ops.where(ops.unsqueeze(isEmpty, 1), states[i]!, state));
  return { output, states: kept };
}

/** W, R and, if the layer has biases, B in ONNX's layout: [directions, gates·hidden, …]. */
function weightNodes(
  { order }: OnnxCell,
  parts: readonly RecurrentPart[],
  graph: OnnxGraph,
): [OnnxValue, OnnxValue, OnnxValue | undefined] {
  const { inputWeight, recurrentWeight } = parts[0]!.weights;
  const [hidden, width] = recurrentWeight!.shape as [number, number];
  const joined = (name: string, shape: readonly number[], arrays: readonly Float32Array[]) => {
    const data = new Float32Array(arrays.reduce((total, { length }) => total + length, 0));
    let at = 0;
    for (const array of arrays) {
      data.set(array, at);
      at += array.length;
    }
    return graph.constant(data, [parts.length, ...shape], parts[0]!.prefix + name);
  };
  const rowsOf = (data: Float32Array<ArrayBuffer>) => transposed(reorderGates(data, { hidden, order }), width);
  const biases = parts.flatMap(({ weights: { bias, recurrentBias } }) => {
    if (bias === undefined) return [];
    const inside = new Float32Array(width);
    if (recurrentBias !== undefined) inside.set(recurrentBias.data, width - hidden);
    return [reorderGates(bias.data, { hidden, order }), inside];
  });
  return [
    joined("W", [width, inputWeight.shape[0]!], parts.map(({ weights }) => rowsOf(weights.inputWeight.data))),
    joined("R", [width, hidden], parts.map(({ weights }) => rowsOf(weights.recurrentWeight!.data))),
    biases.length === 0 ? undefined : joined("B", [2 * width], biases),
  ];
}

/**
 * A layer with layer normalization inside its cell: [time, batch, features] → [time, batch, directions·hidden]. ONNX's
 * recurrent operators cannot normalize, so the cell's equations become the body of a `Scan` over the time steps.
 */
function normalizedNodes(
  cell: OnnxCell,
  sequence: OnnxValue,
  { ops, parts, states }: LayerNodes,
): LayerValues {
  const hidden = parts[0]!.weights.recurrentWeight!.shape[0]!;
  const made = parts.map((part, direction) => {
    const before = cell.states.map((_, i) => {
      return states === undefined
        ? zeroState(sequence, hidden, ops)
        : ops.squeeze(ops.slice(states[i]!, direction, direction + 1), 0);
    });
    return scanNodes(cell, sequence, { part, ops, reverse: direction === 1, states: before });
  });
  return {
    output: ops.concat(made.map(({ output }) => output), 2),
    states: cell.states.map((_, i) => ops.concat(made.map(({ states }) => ops.unsqueeze(states[i]!, 0)), 0)),
  };
}

/** A state of zeros, [batch, hidden]. */
function zeroState(sequence: OnnxValue, hidden: number, ops: Ops): OnnxValue {
  const { graph } = ops;
  const shape = ops.concat([ops.lengthOf(sequence, 1, { keep: true }), graph.integers([hidden])], 0);
  return graph.node("ConstantOfShape", [shape], { shape: [sequence.shape[1]!, hidden] });
}

/** One direction: [time, batch, features] → [time, batch, hidden], and the last states, [batch, hidden]. */
function scanNodes(
  cell: OnnxCell,
  sequence: OnnxValue,
  { part, ops, reverse, states }: {
    readonly part: RecurrentPart;
    readonly ops: Ops;
    readonly reverse: boolean;
    readonly states: readonly OnnxValue[];
  },
): LayerValues {
  const { graph } = ops;
  const hidden = part.weights.recurrentWeight!.shape[0]!;
  const weights: Weights = Object.fromEntries(
    Object.entries(part.weights).map(([name, parameter]) => [name, graph.parameter(parameter!)]),
  );
  const blocks = cell.blocks.map((gates) => gates * hidden);
  const gains = ops.split(weights.inputGain!, blocks);
  const products = ops.split(ops.matmul(sequence, weights.inputWeight!), blocks);
  const normalized = ops.concat(products.map((product, i) => ops.norm(product, gains[i]!)), 2);
  const inputs = [weights.bias === undefined ? normalized : ops.same("Add", normalized, weights.bias)];
  if (graph.lengths !== undefined) inputs.push(validSteps(sequence, graph.lengths, ops));

  const step = stepOf(cell, weights, blocks, ops);
  const perStep = inputs.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
  const body = graph.body([...states, ...perStep], (given) => {
    const before = given.slice(0, states.length);
    const [x, isValid] = given.slice(states.length);
    const after = step(x!, before);
    if (isValid === undefined) return [...after, ops.same("Identity", after[0]!)];
    const kept = after.map((state, i) => ops.where(isValid, state, before[i]!));
    return [...kept, ops.where(isValid, after[0]!, ops.number(0))];
  });
  const made = graph.nodeOf("Scan", [...states, ...inputs], {
    outputs: [...states, { shape: sequence.shape.with(2, hidden) }],
    attributes: {
      body,
      num_scan_inputs: inputs.length,
      scan_input_directions: inputs.map(() => Number(reverse)),
      scan_output_directions: [Number(reverse)],
    },
  });
  return { output: made.at(-1)!, states: made.slice(0, -1) };
}

/** The weights of one direction as constants. */
type Weights = { readonly [Name in keyof RecurrentPart["weights"]]?: OnnxValue };

/** Whether each time step comes before the end of its sequence, [time, batch, 1]. */
function validSteps(sequence: OnnxValue, lengths: OnnxValue, ops: Ops): OnnxValue {
  const { graph } = ops;
  const [time, batch] = sequence.shape as [number | string, number | string];
  const count = ops.lengthOf(sequence, 0, { keep: false });
  const steps = graph.node("Range", [graph.integers(0), count, graph.integers(1)], { shape: [time], dtype: "i64" });
  const isBefore = ops.compare("Less", ops.unsqueeze(steps, 1), ops.toInt64(lengths), [time, batch]);
  return ops.unsqueeze(isBefore, 2);
}

/**
 * The equations of `SimpleRNN`, `LSTM` and `GRU` for one time step. x is the normalized product of the inputs, bias included.
 */
function stepOf(
  { op, activation, resetAfter }: OnnxCell,
  weights: Weights,
  blocks: readonly number[],
  ops: Ops,
): (x: OnnxValue, states: readonly OnnxValue[]) => OnnxValue[] {
  const { recurrentBias, cellGain, cellBias } = weights;
  const recurrentWeights = ops.split(weights.recurrentWeight!, blocks);
  const gains = ops.split(weights.recurrentGain!, blocks);
  const product = (state: OnnxValue, block: number) =>
    ops.norm(ops.matmul(state, recurrentWeights[block]!), gains[block]!);
  const gatesOf = (x: OnnxValue, count: number) =>
    ops.split(x, Array<number>(count).fill(x.shape.at(-1) as number / count)) as [
      OnnxValue,
      OnnxValue,
      OnnxValue,
      OnnxValue,
    ];
  const add = (a: OnnxValue, b: OnnxValue) => ops.same("Add", a, b);
  const multiply = (a: OnnxValue, b: OnnxValue) => ops.same("Mul", a, b);
  const sigmoid = (x: OnnxValue) => ops.same("Sigmoid", x);
  const tanh = (x: OnnxValue) => ops.same("Tanh", x);

  if (op === "RNN") return (x, [s]) => [ops.same(activation!, add(x, product(s!, 0)))];
  if (op === "LSTM") {
    return (x, [h, c]) => {
      const [i, f, g, o] = gatesOf(add(x, product(h!, 0)), 4);
      const cell = add(multiply(sigmoid(f), c!), multiply(sigmoid(i), tanh(g)));
      return [multiply(sigmoid(o), tanh(ops.norm(cell, cellGain!, { bias: cellBias }))), cell];
    };
  }
  return (x, [h]) => {
    const [xr, xz, xn] = gatesOf(x, 3);
    const [hr, hz] = gatesOf(product(h!, 0), 2);
    const [r, z] = [sigmoid(add(xr, hr)), sigmoid(add(xz, hz))];
    const biased = (value: OnnxValue) => recurrentBias === undefined ? value : add(value, recurrentBias);
    const n = tanh(add(xn, resetAfter ? multiply(r, biased(product(h!, 1))) : product(multiply(r, h!), 1)));
    return [add(n, multiply(z, ops.same("Sub", h!, n)))];
  };
}
