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
import { describe, quoted } from "@unfold/core/support";
import { Dense, TiedDense } from "../dense.ts";
import { Dropout } from "../dropout.ts";
import { Embedding } from "../embedding.ts";
import { Lambda } from "../lambda.ts";
import type { Layer, RecurrentState } from "../layer.ts";
import { LayerNorm } from "../normalization.ts";
import { CarriedState } from "../recurrent/carried_state.ts";
import { GRU } from "../recurrent/gru.ts";
import { LSTM } from "../recurrent/lstm.ts";
import { FinalState, LastStep, MaxSteps, MeanSteps } from "../recurrent/pooling.ts";
import type { Recurrent } from "../recurrent/recurrent.ts";
import { SimpleRNN } from "../recurrent/simple_rnn.ts";
import { Sequential } from "../sequential.ts";
import type { ForeignModule, LayerInterchange } from "./layer_interchange.ts";
import { Ops } from "./onnx/_ops.ts";
import type { OnnxGraph, OnnxValue } from "./onnx/graph.ts";
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

const tiedDense: LayerInterchange<TiedDense> = {
  of: TiedDense,
  input: ({ weight }) => ({ shape: ["batch", weight.shape[1]!] }),
  onnx(layer, x, graph) {
    const { weight, bias } = layer;
    graph.check(layer, x, { shape: ["...", weight.shape[1]!] });
    const ops = new Ops(graph);
    const product = ops.matmul(x, ops.transpose(graph.parameter(weight), [1, 0]));
    return bias === undefined ? product : ops.same("Add", product, graph.parameter(bias));
  },
  // E has the shape of PyTorch's weight.
  pytorch: ({ weight, bias }) =>
    combined(oneTensor(["weight", "weight"], weight.shape), bias && oneTensor(["bias", "bias"], bias.shape)),
  keras({ weight, bias }) {
    const kernel = transposedTensor(["vars/0", "weight"], weight.shape);
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
    const operator = OPERATORS.get(layer.f as (x: Tensor) => Tensor);
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

const SEQUENCES = { shape: ["batch", "time", "features"] };

/** One time step of all sequences. */
function stepNodes(x: OnnxValue, step: 0 | -1, graph: OnnxGraph): OnnxValue {
  return graph.node("Gather", [x, graph.integers(step)], { shape: x.shape.toSpliced(1, 1), attributes: { axis: 1 } });
}

/** The last time step of each sequence. */
function lastStepNodes(x: OnnxValue, graph: OnnxGraph): OnnxValue {
  const { lengths } = graph;
  if (lengths === undefined) return stepNodes(x, -1, graph);
  const ops = new Ops(graph);
  const last = graph.node("Sub", [ops.toInt64(lengths), graph.integers(1)], { shape: lengths.shape, dtype: "i64" });
  const index = ops.unsqueeze(last, 1);
  return graph.node("GatherND", [x, index], { shape: x.shape.toSpliced(1, 1), attributes: { batch_dims: 1 } });
}

const lastStep: LayerInterchange<LastStep> = {
  of: LastStep,
  onnx(layer, x, graph) {
    graph.check(layer, x, SEQUENCES);
    return lastStepNodes(x, graph);
  },
};

const finalState: LayerInterchange<FinalState> = {
  of: FinalState,
  onnx(layer, x, graph) {
    graph.check(layer, x, SEQUENCES);
    const last = lastStepNodes(x, graph);
    if (layer.directions === 1) return last;
    const features = x.shape[2]!;
    if (typeof features !== "number") throw graph.error(layer, "the number of its features must be known");
    const ops = new Ops(graph);
    const half = features / 2;
    const [forward] = ops.split(last, [half, half]);
    const [, backward] = ops.split(stepNodes(x, 0, graph), [half, half]);
    return ops.concat([forward!, backward!], 1);
  },
};

/** x with another value in the padding. */
function withPadding(x: OnnxValue, lengths: OnnxValue, value: number, graph: OnnxGraph): OnnxValue {
  const ops = new Ops(graph);
  const [batch, time] = x.shape as [string, string];
  const count = ops.lengthOf(x, 1, { keep: false });
  const steps = graph.node("Range", [graph.integers(0), count, graph.integers(1)], { shape: [time], dtype: "i64" });
  const isValid = ops.compare("Less", steps, ops.unsqueeze(ops.toInt64(lengths), 1), [batch, time]);
  return graph.node("Where", [ops.unsqueeze(isValid, 2), x, ops.number(value)], { shape: x.shape });
}

const meanSteps: LayerInterchange<MeanSteps> = {
  of: MeanSteps,
  onnx(layer, x, graph) {
    graph.check(layer, x, SEQUENCES);
    const { lengths } = graph;
    const attributes = { keepdims: 0 };
    const shape = x.shape.toSpliced(1, 1);
    if (lengths === undefined) {
      return graph.node("ReduceMean", [x], { shape, attributes: { axes: [1], ...attributes } });
    }
    const ops = new Ops(graph);
    const inputs = [withPadding(x, lengths, 0, graph), graph.integers([1])];
    const sum = graph.node("ReduceSum", inputs, { shape, attributes });
    return ops.same("Div", sum, ops.unsqueeze(ops.toFloat(lengths), 1));
  },
};

const maxSteps: LayerInterchange<MaxSteps> = {
  of: MaxSteps,
  onnx(layer, x, graph) {
    graph.check(layer, x, SEQUENCES);
    const valid = graph.lengths === undefined ? x : withPadding(x, graph.lengths, -Infinity, graph);
    const attributes = { axes: [1], keepdims: 0 };
    return graph.node("ReduceMax", [valid], { shape: x.shape.toSpliced(1, 1), attributes });
  },
};

/** The entries of Unfold's layers. */
const BUILT_IN: readonly LayerInterchange[] = [
  sequential,
  carriedState,
  ...recurrent,
  embedding,
  dense,
  tiedDense,
  layerNorm,
  lambda,
  dropout,
  lastStep,
  finalState,
  meanSteps,
  maxSteps,
];

/**
 * The entries to look layers up in: the caller's own, then ours.
 *
 * @param own The caller's option `layers`.
 * @param doing What the caller is doing, as it follows "Cannot" in messages.
 * @throws {TypeError} If they are not entries, or the model is not a layer.
 */
export function entriesFor(
  model: Layer,
  own: readonly LayerInterchange[] | undefined,
  doing: string,
): readonly LayerInterchange[] {
  if (typeof (model as Partial<Layer> | null | undefined)?.parameters !== "function") {
    throw new TypeError(`Cannot ${doing}: the model must be a layer, got ${describe(model)}`);
  }
  if (own === undefined) return BUILT_IN;
  if (!Array.isArray(own)) {
    throw new TypeError(`Cannot ${doing}: layers must be an array of LayerInterchange entries, got ${quoted(own)}`);
  }
  const bad = own.findIndex((entry) => typeof entry?.of !== "function");
  if (bad >= 0) {
    throw new TypeError(
      `Cannot ${doing}: layers[${bad}] must be a LayerInterchange, whose of is a class, got ${quoted(own[bad])}`,
    );
  }
  return [...own, ...BUILT_IN];
}
