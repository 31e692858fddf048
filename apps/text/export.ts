import { toOnnx } from "@unfold/layers/interchange";
import type { OnnxExport } from "../shared/write_onnx.ts";
import type { LanguageModel } from "./language_model.ts";
import { encodingOf } from "./tokenizer.ts";

/** Exports a language model as ONNX, with its pre- and postprocessing described in words. */
export function exportLanguageModel(model: LanguageModel): OnnxExport {
  const about = {
    kind: "language",
    ...model.config,
    preprocessing: `input: ${encodingOf(model.tokenizer)}; ` +
      "state.*: zeros at first, then the next.* outputs of the previous run",
    postprocessing: "output: logits of the next token; softmax(output/temperature) gives its probabilities",
  };
  const file = toOnnx(model.network, { metadata: { unfold: JSON.stringify(about) } });
  return { file, about };
}
