import { type LayerInterchange, toOnnx } from "@unfold/layers/interchange";
import type { OnnxExport } from "../shared/write_onnx.ts";
import { encodingOf } from "./tokenizer.ts";
import { type LanguageModel, TiedDense } from "./language_model.ts";

const tiedDense: LayerInterchange<TiedDense> = {
  of: TiedDense,
  onnx({ embedding: { weight }, bias }, x, graph) {
    const [size, features] = weight.shape as [number, number];
    const turned = graph.node("Transpose", [graph.parameter(weight)], { shape: [features, size] });
    const product = graph.node("MatMul", [x, turned], { shape: x.shape.with(-1, size) });
    return graph.node("Add", [product, graph.parameter(bias)], { shape: product.shape });
  },
};

/** A language model as an ONNX file, with what has to be done before and after it. */
export function exportLanguageModel(model: LanguageModel): OnnxExport {
  const about = {
    kind: "language",
    ...model.config,
    preprocessing: `input: ${encodingOf(model.tokenizer)}; state.*: zeros at first, then what came out as next.*`,
    postprocessing: "output: the logits of what comes next, of which softmax(output/temperature) makes probabilities",
  };
  const file = toOnnx(model.network, { metadata: { unfold: JSON.stringify(about) }, layers: [tiedDense] });
  return { file, about };
}
