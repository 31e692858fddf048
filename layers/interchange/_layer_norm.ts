import { LayerNorm } from "../layer_norm.ts";
import { Ops } from "./_ops.ts";
import type { LayerInterchange } from "./layer_interchange.ts";

/** What is known of {@linkcode LayerNorm}. */
export const layerNorm: LayerInterchange<LayerNorm> = {
  of: LayerNorm,
  input: ({ weight }) => ({ shape: ["batch", weight.size] }),
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["...", layer.weight.size] });
    const [gain, bias] = [graph.parameter(layer.weight), graph.parameter(layer.bias)];
    return new Ops(graph).norm(x, gain, { bias, eps: layer.eps });
  },
};
