import { GRU } from "../gru.ts";
import type { Layer } from "../layer.ts";
import { LSTM } from "../lstm.ts";
import type { RecurrentPart } from "../recurrent.ts";
import { SimpleRNN } from "../simple_rnn.ts";
import type { Ops } from "./_ops.ts";
import type { OnnxValue } from "./onnx_graph.ts";

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
