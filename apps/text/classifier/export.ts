import { toOnnx } from "@unfold/layers/interchange";
import type { OnnxExport } from "../../shared/write_onnx.ts";
import type { Classifier, ClassifierConfig } from "./classifier.ts";
import { TEXT_NETWORK_LAYERS } from "./network.ts";
import { encodingOf } from "./tokens.ts";

/** Exports a classifier as ONNX, with its pre- and postprocessing described in words. */
export function exportClassifier({ config, tokenizer, network, name }: Classifier): OnnxExport {
  // The terms are in the model.
  const { bag: _, ...rest } = config;
  const about = {
    kind: "classifier",
    name,
    ...rest,
    preprocessing: `input: ${encodingOf(tokenizer)}${limitOf(config)}; ` +
      "shorter texts are padded with any id; lengths: the number of tokens in each text, at least 1",
    postprocessing: "output: logits of the classes; softmax(output) gives their probabilities",
  };
  const options = { lengths: true, layers: TEXT_NETWORK_LAYERS, metadata: { unfold: JSON.stringify(about) } };
  return { file: toOnnx(network, options), about };
}

/** What is read of long texts, in words. */
function limitOf({ limit }: ClassifierConfig): string {
  if (limit === undefined) return "";
  const { longest, keep } = limit;
  if (keep !== "all") return `, at most the ${keep === "end" ? "last" : "first"} ${longest} of each text`;
  return `; a text of n > ${longest} ids is cut into ⌈n/${longest}⌉ pieces, as equal as possible, and the outputs of its ` +
    "pieces are averaged";
}
