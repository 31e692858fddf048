import { type LayerInterchange, recurrentNodes, toOnnx } from "@unfold/layers/interchange";
import type { OnnxExport } from "../shared/write_onnx.ts";
import { type Classifier, FinalState } from "./classifier.ts";
import { type LanguageModel, TiedDense } from "./language_model.ts";
import { encodingOf } from "./tokenizer.ts";

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

const finalState: LayerInterchange<FinalState> = {
  of: FinalState,
  onnx({ recurrent }, x, graph) {
    const hidden = recurrentNodes(recurrent, { x, graph }).state.hidden!;
    const [batch, size] = hidden.shape as [string, number];
    const bounds = [size - recurrent.outputSize, size, 1].map((bound) => graph.integers([bound]));
    return graph.node("Slice", [hidden, ...bounds], { shape: [batch, recurrent.outputSize] });
  },
};

/** A classifier as an ONNX file, with what has to be done before and after it. */
export function exportClassifier({ config, tokenizer, network }: Classifier): OnnxExport {
  const about = {
    kind: "classifier",
    ...config,
    preprocessing: `input: ${encodingOf(tokenizer)}, the first ${config.longest} of a text at most, texts of other ` +
      "lengths filled up with any token; lengths: the tokens of each text, 1 at least",
    postprocessing: "output: the logits of the classes, of which softmax makes probabilities",
  };
  const file = toOnnx(network, { lengths: true, metadata: { unfold: JSON.stringify(about) }, layers: [finalState] });
  return { file, about };
}
