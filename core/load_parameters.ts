import type { NamedParameters } from "./parameter.ts";
import type { SafetensorsInput } from "./safetensors.ts";
import { formatShape } from "./tensor.ts";

/**
 * Copies values into parameters of the same names and shapes. Either all are copied or, where anything does not fit, none.
 *
 * @param parameters Where to.
 * @param tensors Where from, such as the tensors of a file.
 * @throws {TypeError} If names are missing or unexpected, or shapes or kinds differ; the message lists them all.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors, loadParameters, Parameter } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const saved = encodeSafetensors([["weight", new Parameter([2], (data) => data.set([1, 2]))]]);
 * const weight = new Parameter([2]);
 * loadParameters({ weight }, decodeSafetensors(saved).tensors);
 * assert.deepEqual(weight.toArray(), [1, 2]);
 * ```
 */
export function loadParameters(parameters: NamedParameters, tensors: ReadonlyMap<string, SafetensorsInput>): void {
  const problems: string[] = [];
  for (const [name, { shape }] of Object.entries(parameters)) {
    const found = tensors.get(name);
    if (found === undefined) problems.push(`${name} is missing`);
    else if ((found.dtype ?? "F32").toUpperCase() !== "F32" || !(found.data instanceof Float32Array)) {
      problems.push(`${name} must be F32, got ${found.dtype ?? found.data.constructor.name}`);
    } else if (formatShape(found.shape) !== formatShape(shape)) {
      problems.push(`${name} must have shape ${formatShape(shape)}, got ${formatShape(found.shape)}`);
    }
  }
  for (const name of tensors.keys()) {
    if (!Object.hasOwn(parameters, name)) problems.push(`${name} is not a parameter of the model`);
  }
  if (problems.length > 0) throw new TypeError(`Cannot load the parameters: ${problems.join("; ")}`);
  for (const [name, parameter] of Object.entries(parameters)) {
    parameter.data.set(tensors.get(name)!.data as Float32Array);
  }
}
