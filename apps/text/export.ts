import { type LayerInterchange, recurrentNodes, toOnnx } from "@unfold/layers/interchange";
import type { OnnxExport } from "../shared/write_onnx.ts";
import { type Classifier, FinalState } from "./classifier.ts";
import { type LanguageModel, TiedDense } from "./language_model.ts";
import { encodingOf } from "./tokenizer.ts";

const tiedDense: LayerInterchange<TiedDense> = {
  of: TiedDense,
  onnx({ embedding: { weight }, bias }, x, graph) {
    const [size, features] = weight.shape as [number, number];
    const transposed = graph.node("Transpose", [graph.parameter(weight)], { shape: [features, size] });
    const product = graph.node("MatMul", [x, transposed], { shape: x.shape.with(-1, size) });
    return graph.node("Add", [product, graph.parameter(bias)], { shape: product.shape });
  },
};

/** Exports a language model as ONNX, with its pre- and postprocessing described in words. */
export function exportLanguageModel(model: LanguageModel): OnnxExport {
  const about = {
    kind: "language",
    ...model.config,
    preprocessing: `input: ${encodingOf(model.tokenizer)}; ` +
      "state.*: zeros at first, then the next.* outputs of the previous run",
    postprocessing: "output: logits of the next token; softmax(output/temperature) gives its probabilities",
  };
  const file = toOnnx(model.network, { metadata: { unfold: JSON.stringify(about) }, layers: [tiedDense] });
  return { file, about };
}

const finalState: LayerInterchange<FinalState> = {
  of: FinalState,
  onnx({ recurrent }, x, graph) {
    const hidden = recurrentNodes(recurrent, { x, graph }).state.hidden!;
    const [batch, size] = hidden.shape as [string, number];
    const bounds = [size - recurrent.outputSize, size, 1].map((bound) => graph.integers([bound]));
    return graph.node("Slice", [hidden, ...bounds], { shape: [batch, recurrent.outputSize] });
  },
};

/** Exports a classifier as ONNX, with its pre- and postprocessing described in words. */
export function exportClassifier({ config, tokenizer, network }: Classifier): OnnxExport {
  const about = {
    kind: "classifier",
    ...config,
    preprocessing: `input: ${encodingOf(tokenizer)}, at most the ` +
      `${config.keep === "end" ? "last" : "first"} ${config.longest} of each text; ` +
      "shorter texts are padded with any id; lengths: the number of tokens in each text, at least 1",
    postprocessing: "output: logits of the classes; softmax(output) gives their probabilities",
  };
  const file = toOnnx(network, { lengths: true, metadata: { unfold: JSON.stringify(about) }, layers: [finalState] });
  return { file, about };
}
