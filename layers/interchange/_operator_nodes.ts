import type { RecurrentPart } from "../recurrent.ts";
import type { LayerNodes, LayerValues, OnnxCell } from "./_cells.ts";
import { reorderGates, transposed } from "./_gates.ts";
import type { OnnxGraph, OnnxValue } from "./onnx_graph.ts";

/** A layer by one of ONNX's own recurrent operators: [time, batch, features] → [time, batch, directions·hidden]. */
export function operatorNodes(
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
