/**
 * Exchanges models with other programs: ONNX files, and the weights of PyTorch and Keras.
 *
 * @example
 * ```ts
 * import { Dense, LastStep, LSTM, Sequential } from "@unfold/layers";
 * import { toOnnx } from "@unfold/layers/interchange";
 *
 * const model = new Sequential([
 *   new LSTM({ inputSize: 8, hiddenSize: 64 }),
 *   new LastStep(),
 *   new Dense({ inputSize: 64, outputSize: 1 }),
 * ]);
 * await Deno.writeFile(await Deno.makeTempFile({ suffix: ".onnx" }), toOnnx(model));
 * ```
 *
 * @module
 */

export type { ForeignModule, KerasModule, LayerInterchange, NamedArrays } from "./layer_interchange.ts";
export type { OnnxAttribute, OnnxBody, OnnxDType, OnnxShape } from "./onnx/_messages.ts";
export {
  type OnnxConstant,
  OnnxGraph,
  type OnnxLayer,
  type OnnxLayerOptions,
  type OnnxNodeOptions,
  type OnnxOutput,
  type OnnxValue,
} from "./onnx/graph.ts";
export { recurrentNodes, type RecurrentNodesOptions, type RecurrentValues } from "./onnx/recurrent.ts";
export { toOnnx, type ToOnnxOptions } from "./onnx/to_onnx.ts";
export type { FromForeignOptions, ToForeignOptions } from "./weights/foreign_weights.ts";
export { fromKeras, toKeras } from "./weights/keras.ts";
export { fromPyTorch, toPyTorch } from "./weights/pytorch.ts";
