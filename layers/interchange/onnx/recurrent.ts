import type { RecurrentLayer, RecurrentState } from "../../layer.ts";
import type { Recurrent, RecurrentPart } from "../../recurrent/recurrent.ts";
import { type LayerNodes, type LayerValues, type OnnxCell, onnxCellOf, reorderGates, transposed } from "../_cells.ts";
import { normalizedNodes } from "./_normalized.ts";
import { Ops } from "./_ops.ts";
import type { OnnxGraph, OnnxValue } from "./graph.ts";

/** A layer by one of ONNX's own recurrent operators: [time, batch, features] → [time, batch, directions·hidden]. */
function operatorNodes(
  cell: OnnxCell,
  sequence: OnnxValue,
  { ops, parts, states }: LayerNodes,
): LayerValues {
  const { graph } = ops;
  const { lengths } = graph;
  const [time, batch] = sequence.shape as [number | string, number | string];
  const directions = parts.length;
  const hidden = parts[0]!.weights.recurrentWeight.shape[0]!;
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
  // The operators forget the state of a sequence without a time step.
  const isEmpty = ops.compare("Equal", lengths, graph.constant(Int32Array.of(0), []), lengths.shape);
  const kept = after.map((state, i) => ops.where(ops.unsqueeze(isEmpty, 1), states[i]!, state));
  return { output, states: kept };
}

/** W, R and, where there are biases, B in ONNX's layout: [directions, gates·hidden, …]. */
function weightNodes(
  { order }: OnnxCell,
  parts: readonly RecurrentPart[],
  graph: OnnxGraph,
): [OnnxValue, OnnxValue, OnnxValue | undefined] {
  const { inputWeight, recurrentWeight } = parts[0]!.weights;
  const [hidden, width] = recurrentWeight.shape as [number, number];
  const joined = (name: string, shape: readonly number[], pieces: readonly Float32Array[]) => {
    const data = new Float32Array(pieces.reduce((total, { length }) => total + length, 0));
    let at = 0;
    for (const piece of pieces) {
      data.set(piece, at);
      at += piece.length;
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
    joined("R", [width, hidden], parts.map(({ weights }) => rowsOf(weights.recurrentWeight.data))),
    biases.length === 0 ? undefined : joined("B", [2 * width], biases),
  ];
}

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
   * What stands before the names of its states, as of {@linkcode OnnxGraph.layer}: where a layer has several inside.
   *
   * @default {nothing}
   */
  readonly name?: string;
}

/**
 * Adds a `SimpleRNN`, `LSTM` or `GRU` to a graph, with what {@linkcode RecurrentLayer.run} gives: for the hook of a layer that has
 * one inside and wants its state.
 *
 * @param layer The recurrent layer.
 * @param options Its input, and the graph.
 * @throws {TypeError} If the layer is another, or its input has another shape.
 *
 * @example A layer that gives the last state
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
  // [parts, batch, hidden], as the operators have it.
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
    /** Its nodes are added where it is asked for. */
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
