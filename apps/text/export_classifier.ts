import { type LayerInterchange, recurrentNodes, toOnnx } from "@unfold/layers/interchange";
import type { OnnxExport } from "../shared/write_onnx.ts";
import { type Classifier, FinalState } from "./classifier.ts";
import { encodingOf } from "./tokenizer.ts";

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
