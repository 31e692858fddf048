import type { SafetensorsInput } from "@unfold/core";
import type { Layer } from "../layer.ts";
import { fromForeign } from "./_foreign_weights.ts";
import { PYTORCH } from "./_frameworks.ts";
import type { FromForeignOptions } from "./mapping_options.ts";

/**
 * PyTorch's weights as ours: of `nn.RNN`, `nn.LSTM`, `nn.GRU` (stacked and bidirectional too), `nn.Linear`, `nn.Embedding` and
 * `nn.LayerNorm`, by the names of a `state_dict`. PyTorch's matrices are ours turned, its two biases of a gate the sum that is
 * ours.
 *
 * @param model The model that they are for; its own weights stay as they are.
 * @param tensors The `state_dict`, such as the tensors of a safetensors file.
 * @returns What `loadParameters` takes for the model.
 * @throws {TypeError} If layers have no counterpart in PyTorch, or tensors are missing, have another shape or kind, or belong to no
 * layer, or parameters to no module; the message lists them all.
 * @throws {RangeError} If there are not as many names of modules as modules, or two tensors would have the same name.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors, loadParameters } from "@unfold/core";
 * import { Dense, LastStep, LSTM, Sequential } from "@unfold/layers";
 * import { fromPyTorch } from "@unfold/layers/interchange";
 * import assert from "node:assert/strict";
 *
 * const model = new Sequential([
 *   new LSTM({ inputSize: 1, hiddenSize: 1 }),
 *   new LastStep(),
 *   new Dense({ inputSize: 1, outputSize: 1 }),
 * ]);
 * const file = encodeSafetensors([
 *   ["lstm.weight_ih_l0", { shape: [4, 1], data: Float32Array.of(1, 2, 3, 4) }],
 *   ["lstm.weight_hh_l0", { shape: [4, 1], data: new Float32Array(4) }],
 *   ["lstm.bias_ih_l0", { shape: [4], data: Float32Array.of(1, 1, 1, 1) }],
 *   ["lstm.bias_hh_l0", { shape: [4], data: Float32Array.of(0, 1, 2, 3) }],
 *   ["head.weight", { shape: [1, 1], data: Float32Array.of(5) }],
 *   ["head.bias", { shape: [1], data: Float32Array.of(6) }],
 * ]);
 * const { tensors } = decodeSafetensors(file);
 * loadParameters(model.parameters(), fromPyTorch(model, tensors, { modules: ["lstm", "head"] }));
 * assert.deepEqual(model.parameters()["0.bias"]!.toArray(), [1, 2, 3, 4]);
 * ```
 */
export function fromPyTorch(
  model: Layer,
  tensors: ReadonlyMap<string, SafetensorsInput>,
  options: FromForeignOptions = {},
): Map<string, SafetensorsInput> {
  return fromForeign(model, tensors, PYTORCH, options);
}
