import { Dense } from "../dense.ts";
import { combined, oneTensor, turnedTensor } from "./_foreign_modules.ts";
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
  pytorch({ weight, bias }) {
    return combined(turnedTensor(["weight", "weight"], weight.shape), bias && oneTensor(["bias", "bias"], bias.shape));
  },
  keras({ weight, bias }) {
    const kernel = oneTensor(["vars/0", "weight"], weight.shape);
    return [{ name: "dense", ...combined(kernel, bias && oneTensor(["vars/1", "bias"], bias.shape)) }];
  },
};
