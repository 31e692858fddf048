import type { Layer } from "../layer.ts";
import { GRU } from "../recurrent/gru.ts";
import { LSTM } from "../recurrent/lstm.ts";
import type { RecurrentPart } from "../recurrent/recurrent.ts";
import { SimpleRNN } from "../recurrent/simple_rnn.ts";
import type { Ops } from "./onnx/_ops.ts";
import type { OnnxValue } from "./onnx/graph.ts";

/** How gates lie in a weight of ours: beside each other in every row. */
interface GateLayout {
  /** Columns of a gate. */
  readonly hidden: number;
  /** Which of our gates comes first, which next, in the other order. */
  readonly order: readonly number[];
}

/** [rows, gates·hidden] → the same with the gates in another order. */
export function reorderGates(
  data: Float32Array<ArrayBuffer>,
  { hidden, order }: GateLayout,
): Float32Array<ArrayBuffer> {
  const width = order.length * hidden;
  return data.map((_, i) => {
    const [row, gate, column] = [Math.floor(i / width), Math.floor(i % width / hidden), i % hidden];
    return data[row * width + order[gate]! * hidden + column]!;
  });
}

/** [rows, columns] → [columns, rows]. */
export function transposed(data: Float32Array<ArrayBuffer>, columns: number): Float32Array<ArrayBuffer> {
  const rows = data.length / columns;
  return data.map((_, i) => data[i % rows * columns + Math.floor(i / rows)]!);
}

/** How ONNX has one of our recurrent layers. */
export interface OnnxCell {
  readonly op: "RNN" | "LSTM" | "GRU";
  /** Its order of our gates. */
  readonly order: readonly number[];
  /** How many gates layer normalisation takes together. */
  readonly blocks: readonly number[];
  readonly states: readonly string[];
  /** Of an RNN. */
  readonly activation?: "Tanh" | "Relu";
  /** Of a GRU. */
  readonly resetAfter?: boolean;
}

/** The cell of a layer, if it is one of our recurrent ones. */
export function onnxCellOf(layer: Layer): OnnxCell | undefined {
  switch (layer.constructor) {
    case SimpleRNN: {
      const activation = (layer as SimpleRNN).activation === "relu" ? "Relu" : "Tanh";
      return { op: "RNN", order: [0], blocks: [1], states: ["hidden"], activation };
    }
    case LSTM:
      // i, o, f, c of our i, f, g, o.
      return { op: "LSTM", order: [0, 3, 1, 2], blocks: [4], states: ["hidden", "cell"] };
    case GRU: {
      // z, r, h of our r, z, n.
      const { resetAfter } = layer as GRU;
      return { op: "GRU", order: [1, 0, 2], blocks: [2, 1], states: ["hidden"], resetAfter };
    }
    default:
      return undefined;
  }
}

/** One layer of a stack, in its directions. */
export interface LayerNodes {
  readonly ops: Ops;
  readonly parts: readonly RecurrentPart[];
  /** The states before, [directions, batch, hidden]; undefined where they are zeros. */
  readonly states: readonly OnnxValue[] | undefined;
}

/** What it gives: [time, batch, directions·hidden], and the states after, [directions, batch, hidden]. */
export interface LayerValues {
  readonly output: OnnxValue;
  readonly states: readonly OnnxValue[];
}
