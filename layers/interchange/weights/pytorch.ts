import type { SafetensorsInput } from "@unfold/core";
import type { Layer } from "../../layer.ts";
import {
  type Framework,
  fromForeign,
  type FromForeignOptions,
  toForeign,
  type ToForeignOptions,
} from "./foreign_weights.ts";

/** Modules by their places in an `nn.Sequential`. */
const PYTORCH: Framework = {
  name: "PyTorch",
  hook: "pytorch",
  separator: ".",
  namesOf: (modules) => modules.map(({ prefix }) => prefix.replace(/\.$/, "")),
};

/** Layers as a `.weights.h5` file numbers them: `layers/lstm`, `layers/lstm_1`. */
export const KERAS: Framework = {
  name: "Keras",
  hook: "keras",
  separator: "/",
  namesOf(modules) {
    const counts = new Map<string, number>();
    return modules.map(({ module: { name = "" } }) => {
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      return `layers/${name}${count === 0 ? "" : `_${count}`}`;
    });
  },
};

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

/**
 * Our weights as PyTorch's, the other way of {@linkcode fromPyTorch}. The second bias of a gate, `bias_hh`, is 0 where one of
 * ours stands for both.
 *
 * @param model The model.
 * @returns A `state_dict`, such as `encodeSafetensors` takes.
 * @throws {TypeError} If a layer has no counterpart in PyTorch, or a parameter belongs to no module; the message lists them all.
 * @throws {RangeError} If there are not as many names of modules as modules, or two tensors would have the same name.
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
