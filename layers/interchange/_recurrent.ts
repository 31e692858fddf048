import { GRU } from "../gru.ts";
import type { RecurrentState } from "../layer.ts";
import { LSTM } from "../lstm.ts";
import type { Recurrent } from "../recurrent.ts";
import { SimpleRNN } from "../simple_rnn.ts";
import { kerasRecurrent } from "./_keras_recurrent.ts";
import { pytorchRecurrent } from "./_pytorch_recurrent.ts";
import type { LayerInterchange } from "./layer_interchange.ts";
import { recurrentNodes } from "./recurrent_nodes.ts";

const shared: Omit<LayerInterchange<Recurrent<RecurrentState>>, "of"> = {
  input: ({ inputSize }) => ({ shape: ["batch", "time", inputSize] }),
  onnx: (layer, x, graph) => recurrentNodes(layer, { x, graph }).output,
  pytorch: pytorchRecurrent,
  keras: kerasRecurrent,
};

/** What is known of the recurrent layers. */
export const recurrent: readonly LayerInterchange[] = [SimpleRNN, LSTM, GRU].map((of) => ({ of, ...shared }));
