import type { SafetensorsInput } from "@unfold/core";
import type { Layer } from "../../layer.ts";
import {
  type Framework,
  fromForeign,
  type FromForeignOptions,
  toForeign,
  type ToForeignOptions,
} from "./foreign_weights.ts";

/** PyTorch. By default, modules have the names that an `nn.Sequential` gives them. */
const PYTORCH: Framework = {
  name: "PyTorch",
  hook: "pytorch",
  separator: ".",
  namesOf: (modules) => modules.map(({ prefix }) => prefix.replace(/\.$/, "")),
};

/**
 * Converts PyTorch's weights to ours: `nn.RNN`, `nn.LSTM`, `nn.GRU` (also stacked and bidirectional), `nn.Linear`, `nn.Embedding` and
 * `nn.LayerNorm`, under the names of a `state_dict`. PyTorch's matrices are transposed, and the two biases of a gate are added.
 *
 * @param model The model that the weights are for; it is not changed.
 * @param tensors The `state_dict`, such as the tensors of a safetensors file.
 * @returns The model's parameters, for `loadParameters`.
 * @throws {TypeError} If a layer has no counterpart in PyTorch, a tensor is missing, has the wrong shape or type or belongs to no
 * layer, or a parameter belongs to no module. The message lists all problems.
 * @throws {RangeError} If the number of module names does not match, or two tensors would have the same name.
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

/**
 * Converts our weights to PyTorch's, the inverse of {@linkcode fromPyTorch}. Where we have one bias for a gate, PyTorch's second one,
 * `bias_hh`, is 0.
 *
 * @param model The model.
 * @returns A `state_dict`, for `encodeSafetensors`.
 * @throws {TypeError} If a layer has no counterpart in PyTorch, or a parameter belongs to no module. The message lists all problems.
 * @throws {RangeError} If the number of module names does not match, or two tensors would have the same name.
 *
 * @example
 * ```ts
 * import { Dense } from "@unfold/layers";
 * import { toPyTorch } from "@unfold/layers/interchange";
 * import assert from "node:assert/strict";
 *
 * const tensors = toPyTorch(new Dense({ inputSize: 3, outputSize: 2 }), { modules: ["head"] });
 * assert.deepEqual(tensors.get("head.weight")!.shape, [2, 3]);
 * ```
 */
export function toPyTorch(
  model: Layer,
  options: ToForeignOptions = {},
): Map<string, SafetensorsInput> {
  return toForeign(model, PYTORCH, options);
}
