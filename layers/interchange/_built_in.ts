import {
  abs,
  exp,
  gelu,
  log,
  logSoftmax,
  negate,
  relu,
  sigmoid,
  softmax,
  softplus,
  sqrt,
  tanh,
  type Tensor,
} from "@unfold/core";
import { Dense } from "../dense.ts";
import { Dropout } from "../dropout.ts";
import { Embedding } from "../embedding.ts";
import { Lambda } from "../lambda.ts";
import type { RecurrentState } from "../layer.ts";
import { LayerNorm } from "../normalization.ts";
import { CarriedState } from "../recurrent/carried_state.ts";
import { GRU } from "../recurrent/gru.ts";
import { LSTM } from "../recurrent/lstm.ts";
import { LastStep } from "../recurrent/pooling.ts";
import type { Recurrent } from "../recurrent/recurrent.ts";
import { SimpleRNN } from "../recurrent/simple_rnn.ts";
import { Sequential } from "../sequential.ts";
import type { ForeignModule, LayerInterchange } from "./layer_interchange.ts";
import { Ops } from "./onnx/_ops.ts";
import type { OnnxValue } from "./onnx/graph.ts";
import { recurrentNodes } from "./onnx/recurrent.ts";
import { combined, kerasRecurrent, oneTensor, pytorchRecurrent, transposedTensor } from "./weights/_modules.ts";

const dense: LayerInterchange<Dense> = {
  of: Dense,
  input: ({ weight }) => ({ shape: ["batch", weight.shape[0]!] }),
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["...", layer.weight.shape[0]!] });
    const ops = new Ops(graph);
    const product = ops.matmul(x, graph.parameter(layer.weight));
    return layer.bias === undefined ? product : ops.same("Add", product, graph.parameter(layer.bias));
  },
  pytorch({ weight, bias }) {
    return combined(
      transposedTensor(["weight", "weight"], weight.shape),
      bias && oneTensor(["bias", "bias"], bias.shape),
    );
  },
  keras({ weight, bias }) {
    const kernel = oneTensor(["vars/0", "weight"], weight.shape);
    return [{ name: "dense", ...combined(kernel, bias && oneTensor(["vars/1", "bias"], bias.shape)) }];
  },
};

const embedding: LayerInterchange<Embedding> = {
  of: Embedding,
  input: () => ({ shape: ["batch", "time"], dtype: "i32" }),
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["..."], dtype: "i32" });
    const shape = [...x.shape, layer.weight.shape[1]!];
    return graph.node("Gather", [graph.parameter(layer.weight), x], { shape });
  },
  pytorch: ({ weight }) => oneTensor(["weight", "weight"], weight.shape),
  keras: ({ weight }) => [{ name: "embedding", ...oneTensor(["vars/0", "weight"], weight.shape) }],
};

const layerNorm: LayerInterchange<LayerNorm> = {
  of: LayerNorm,
  input: ({ weight }) => ({ shape: ["batch", weight.size] }),
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["...", layer.weight.size] });
    const [gain, bias] = [graph.parameter(layer.weight), graph.parameter(layer.bias)];
    return new Ops(graph).norm(x, gain, { bias, eps: layer.eps });
  },
  pytorch: (layer) => gainAndBias(layer, ["weight", "bias"]),
  keras: (layer) => [{ name: "layer_normalization", ...gainAndBias(layer, ["vars/0", "vars/1"]) }],
};

function gainAndBias({ weight, bias }: LayerNorm, [gain, shift]: readonly [string, string]): ForeignModule {
  return combined(oneTensor([gain, "weight"], weight.shape), oneTensor([shift, "bias"], bias.shape));
}

/** Functions of core that correspond to a single operator. */
const OPERATORS = new Map<(x: Tensor) => Tensor, string>([
  [abs, "Abs"],
  [exp, "Exp"],
  [log, "Log"],
  [logSoftmax, "LogSoftmax"],
  [negate, "Neg"],
  [relu, "Relu"],
  [sigmoid, "Sigmoid"],
  [softmax, "Softmax"],
  [softplus, "Softplus"],
  [sqrt, "Sqrt"],
  [tanh, "Tanh"],
]);

/** x·Φ(x) with Φ(x) = (1 + erf(x/√2))/2. Opset 17 has no Gelu operator. */
function geluNodes(x: OnnxValue, ops: Ops): OnnxValue {
  const erf = ops.same("Erf", ops.same("Mul", x, ops.number(Math.SQRT1_2)));
  const twice = ops.same("Mul", x, ops.same("Add", erf, ops.number(1)));
  return ops.same("Mul", twice, ops.number(0.5));
}

const lambda: LayerInterchange<Lambda> = {
  of: Lambda,
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["..."] });
    const ops = new Ops(graph);
    if (layer.f === gelu) return geluNodes(x, ops);
    const operator = OPERATORS.get(layer.f);
    if (operator !== undefined) return ops.same(operator, x);
    throw graph.error(
      layer,
      "its function must be one of @unfold/core's activations, such as relu; for any other, write a class with a LayerInterchange",
    );
  },
};

/** What the entries of all recurrent layers share. */
const shared: Omit<LayerInterchange<Recurrent<RecurrentState>>, "of"> = {
  input: ({ inputSize }) => ({ shape: ["batch", "time", inputSize] }),
  onnx: (layer, x, graph) => recurrentNodes(layer, { x, graph }).output,
  pytorch: pytorchRecurrent,
  keras: kerasRecurrent,
};

const recurrent: readonly LayerInterchange[] = [SimpleRNN, LSTM, GRU].map((of) => ({ of, ...shared }));

const sequential: LayerInterchange<Sequential> = {
  of: Sequential,
  inner: ({ layers }) => layers.map((layer, index) => [String(index), layer] as const),
  onnx: ({ layers }, x, graph) => layers.reduce((value, layer, i) => graph.layer(layer, value, { name: `${i}` }), x),
};

const carriedState: LayerInterchange<CarriedState> = {
  of: CarriedState,
  inner: ({ layer }) => [["", layer]],
  onnx: ({ layer }, x, graph) => graph.layer(layer, x, { carries: true }),
};

const dropout: LayerInterchange<Dropout> = { of: Dropout, onnx: (_, x) => x };

const lastStep: LayerInterchange<LastStep> = {
  of: LastStep,
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["batch", "time", "features"] });
    const [batch, , features] = x.shape as [string, string, string];
    const { lengths } = graph;
    if (lengths === undefined) {
      return graph.node("Gather", [x, graph.integers(-1)], { shape: [batch, features], attributes: { axis: 1 } });
    }
    const ops = new Ops(graph);
    const last = graph.node("Sub", [ops.toInt64(lengths), graph.integers(1)], { shape: [batch], dtype: "i64" });
    const index = ops.unsqueeze(last, 1);
    return graph.node("GatherND", [x, index], { shape: [batch, features], attributes: { batch_dims: 1 } });
  },
};

/** The entries of Unfold's layers. */
export const BUILT_IN: readonly LayerInterchange[] = [
  sequential,
  carriedState,
  ...recurrent,
  embedding,
  dense,
  layerNorm,
  lambda,
  dropout,
  lastStep,
];
