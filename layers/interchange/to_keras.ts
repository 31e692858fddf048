import type { SafetensorsInput } from "@unfold/core";
import type { Layer } from "../layer.ts";
import { toForeign } from "./_foreign_weights.ts";
import { KERAS } from "./_frameworks.ts";
import type { ToForeignOptions } from "./mapping_options.ts";

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
