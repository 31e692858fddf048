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
import { Lambda } from "../lambda.ts";
import type { LayerInterchange } from "./layer_interchange.ts";
import { Ops } from "./_ops.ts";
import type { OnnxValue } from "./onnx_graph.ts";

/** Functions of core's that one operator computes. */
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

/** x·Φ(x) with Φ(x) = (1 + erf(x/√2))/2: opset 17 has no operator for it. */
function geluNodes(x: OnnxValue, ops: Ops): OnnxValue {
  const erf = ops.same("Erf", ops.same("Mul", x, ops.number(Math.SQRT1_2)));
  const twice = ops.same("Mul", x, ops.same("Add", erf, ops.number(1)));
  return ops.same("Mul", twice, ops.number(0.5));
}

/** What is known of {@linkcode Lambda}: core's activations. */
export const lambda: LayerInterchange<Lambda> = {
  of: Lambda,
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["..."] });
    const ops = new Ops(graph);
    if (layer.f === gelu) return geluNodes(x, ops);
    const operator = OPERATORS.get(layer.f);
    if (operator !== undefined) return ops.same(operator, x);
    throw graph.error(
      layer,
      "its function must be an activation of @unfold/core, such as relu; another one must be a class with a LayerInterchange",
    );
  },
};
