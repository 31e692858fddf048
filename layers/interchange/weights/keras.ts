import type { SafetensorsInput } from "@unfold/core";
import type { Layer } from "../../layer.ts";
import {
  type Framework,
  fromForeign,
  type FromForeignOptions,
  toForeign,
  type ToForeignOptions,
} from "./foreign_weights.ts";

/** Keras. By default, layers have the names of a `.weights.h5` file: `layers/lstm`, `layers/lstm_1`. */
const KERAS: Framework = {
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
 * Converts Keras's weights to ours: `SimpleRNN`, `LSTM`, `GRU` (with or without `reset_after`, in a `Bidirectional` or not), `Dense`,
 * `Embedding` and `LayerNormalization`, under the names of a Keras 3 `.weights.h5` file. Each of our stacked layers is a layer in
 * Keras.
 *
 * The default ε of Keras's `LayerNormalization` is 10⁻³; pass the same ε to `LayerNorm`.
 *
 * @param model The model that the weights are for; it is not changed.
 * @param tensors The arrays of the file by path, such as `layers/lstm/cell/vars/0`.
 * @returns The model's parameters, for `loadParameters`.
 * @throws {TypeError} If a layer has no counterpart in Keras, a tensor is missing, has the wrong shape or type or belongs to no
 * layer, or a parameter belongs to no module. The message lists all problems.
 * @throws {RangeError} If the number of module names does not match, or two tensors would have the same name.
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
 * Converts our weights to Keras's, the inverse of {@linkcode fromKeras}. Where we have one bias for a GRU's gate, Keras's second
 * one is 0.
 *
 * @param model The model.
 * @returns The arrays by path in a `.weights.h5` file.
 * @throws {TypeError} If a layer has no counterpart in Keras, or a parameter belongs to no module. The message lists all problems.
 * @throws {RangeError} If the number of module names does not match, or two tensors would have the same name.
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
