import type { SafetensorsInput } from "@unfold/core";
import type { Layer } from "../../layer.ts";
import { fromForeign, type FromForeignOptions, toForeign, type ToForeignOptions } from "./foreign_weights.ts";
import { KERAS } from "./pytorch.ts";

/**
 * Keras's weights as ours: of `SimpleRNN`, `LSTM`, `GRU` (`reset_after` or not, in `Bidirectional` or not), `Dense`, `Embedding`
 * and `LayerNormalization`, by the names of a `.weights.h5` file of Keras 3. Of our stacked layers each is one of Keras's.
 *
 * Keras's `LayerNormalization` has an ε of 10⁻³ unless told otherwise: give it to `LayerNorm`.
 *
 * @param model The model that they are for; its own weights stay as they are.
 * @param tensors The arrays of the file by their paths, such as `layers/lstm/cell/vars/0`.
 * @returns What `loadParameters` takes for the model.
 * @throws {TypeError} If layers have no counterpart in Keras, or tensors are missing, have another shape or kind, or belong to no
 * layer, or parameters to no module; the message lists them all.
 * @throws {RangeError} If there are not as many names of modules as modules, or two tensors would have the same name.
 *
 * @example
 * ```ts
 * import { loadParameters } from "@unfold/core";
 * import { Dense } from "@unfold/layers";
 * import { fromKeras } from "@unfold/layers/interchange";
 * import assert from "node:assert/strict";
 *
 * const dense = new Dense({ inputSize: 2, outputSize: 1 });
 * const tensors = new Map([
 *   ["layers/dense/vars/0", { shape: [2, 1], data: Float32Array.of(1, 2) }],
 *   ["layers/dense/vars/1", { shape: [1], data: Float32Array.of(3) }],
 * ]);
 * loadParameters(dense.parameters(), fromKeras(dense, tensors));
 * assert.deepEqual(dense.weight.toArray(), [[1], [2]]);
 * ```
 */
export function fromKeras(
  model: Layer,
  tensors: ReadonlyMap<string, SafetensorsInput>,
  options: FromForeignOptions = {},
): Map<string, SafetensorsInput> {
  return fromForeign(model, tensors, KERAS, options);
}

/**
 * Our weights as Keras's, the other way of {@linkcode fromKeras}. The second bias of a GRU's gate is 0 where one of ours stands
 * for both.
 *
 * @param model The model.
 * @returns Arrays by their paths in a `.weights.h5` file.
 * @throws {TypeError} If a layer has no counterpart in Keras, or a parameter belongs to no module; the message lists them all.
 * @throws {RangeError} If there are not as many names of modules as modules, or two tensors would have the same name.
 *
 * @example
 * ```ts
 * import { LSTM } from "@unfold/layers";
 * import { toKeras } from "@unfold/layers/interchange";
 * import assert from "node:assert/strict";
 *
 * const tensors = toKeras(new LSTM({ inputSize: 3, hiddenSize: 2 }));
 * assert.deepEqual(tensors.get("layers/lstm/cell/vars/0")!.shape, [3, 8]);
 * ```
 */
export function toKeras(
  model: Layer,
  options: ToForeignOptions = {},
): Map<string, SafetensorsInput> {
  return toForeign(model, KERAS, options);
}
