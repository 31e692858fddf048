import { Embedding } from "../embedding.ts";
import { oneTensor } from "./_foreign_modules.ts";
import type { LayerInterchange } from "./layer_interchange.ts";

/** What is known of {@linkcode Embedding}. */
export const embedding: LayerInterchange<Embedding> = {
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
