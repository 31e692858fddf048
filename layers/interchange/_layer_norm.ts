import { LayerNorm } from "../layer_norm.ts";
import { combined, oneTensor } from "./_foreign_modules.ts";
import { Ops } from "./_ops.ts";
import type { ForeignModule, LayerInterchange } from "./layer_interchange.ts";

/** What is known of {@linkcode LayerNorm}. */
export const layerNorm: LayerInterchange<LayerNorm> = {
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
