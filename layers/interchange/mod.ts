/**
 * Models on their way to other programs: ONNX files, and the weights of PyTorch and Keras.
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

export * from "./from_keras.ts";
export * from "./from_pytorch.ts";
export * from "./layer_interchange.ts";
export * from "./mapping_options.ts";
export * from "./onnx_graph.ts";
export * from "./recurrent_nodes.ts";
export * from "./to_keras.ts";
export * from "./to_onnx.ts";
export * from "./to_pytorch.ts";
