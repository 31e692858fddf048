import type { Layer } from "../layer.ts";
import type { LayerInterchange } from "./layer_interchange.ts";

/** An error about a layer at a place in the model. */
export function exportError(path: string, layer: Layer, problem: string): TypeError {
  return new TypeError(`Cannot export ${path.replace(/\.$/, " ")}${layer.constructor.name}: ${problem}`);
}

/** How a layer is written as nodes; throws a `TypeError` where that is not known. */
export function onnxEntryOf(
  layer: Layer,
  { path, layers }: { readonly path: string; readonly layers: readonly LayerInterchange[] },
): Required<Pick<LayerInterchange, "onnx">> {
  const found = layers.find(({ of, onnx }) => of === layer.constructor && onnx !== undefined);
  if (found !== undefined) return found as Required<LayerInterchange>;
  const problem = "its nodes must be known, by a LayerInterchange with onnx among the option layers";
  throw exportError(path, layer, problem);
}
