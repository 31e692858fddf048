import { Dense } from "../dense.ts";
import { Ops } from "./_ops.ts";
import type { LayerInterchange } from "./layer_interchange.ts";

/** What is known of {@linkcode Dense}. */
export const dense: LayerInterchange<Dense> = {
  of: Dense,
  input: ({ weight }) => ({ shape: ["batch", weight.shape[0]!] }),
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["...", layer.weight.shape[0]!] });
    const ops = new Ops(graph);
    const product = ops.matmul(x, graph.parameter(layer.weight));
    return layer.bias === undefined ? product : ops.same("Add", product, graph.parameter(layer.bias));
  },
};
