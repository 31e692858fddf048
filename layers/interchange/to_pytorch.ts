import type { SafetensorsInput } from "@unfold/core";
import type { Layer } from "../layer.ts";
import { toForeign } from "./_foreign_weights.ts";
import { PYTORCH } from "./_frameworks.ts";
import type { ToForeignOptions } from "./mapping_options.ts";

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
