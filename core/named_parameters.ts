import { type NamedParameters, Slab } from "./parameter.ts";
import type { SafetensorsInput } from "./safetensors.ts";
import { formatShape } from "./tensor.ts";

/** A parameter's place in its slab. */
export interface Segment {
  /** The parameter's name. */
  readonly name: string;
  /** Its shape. */
  readonly shape: readonly number[];
  /** Its first element, counted from the start of the slab. */
  readonly offset: number;
}

/** A slab and the places of its parameters. */
export interface PackedParameters {
  /** The slab that holds all parameters. */
  readonly slab: Slab;
  /** One entry per parameter, in order. */
  readonly segments: readonly Segment[];
}

/**
 * Moves parameters into one slab, so that an optimizer step, clipping, zeroing and saving are one pass each.
 *
 * The parameters keep their values and gradients. If they leave a slab, an optimizer that was made for it refuses to step.
 * Parameters that already fill one slab in this order stay where they are.
 *
 * @param parameters The parameters by name.
 * @throws {RangeError} If there are none.
 * @throws {TypeError} If one parameter has two names.
 *
 * @example
 * ```ts
 * import { packParameters, Parameter } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2], (data) => data.fill(1));
 * const bias = new Parameter([1], (data) => data.fill(2));
 * const { slab, segments } = packParameters({ weight, bias });
 * assert.deepEqual([...slab.params], [1, 1, 2]);
 * assert.deepEqual(segments[1], { name: "bias", shape: [1], offset: 2 });
 * ```
 */
export function packParameters(parameters: NamedParameters): PackedParameters {
  const names = new Map<unknown, string>();
  const segments: Segment[] = [];
  let length = 0;
  for (const [name, parameter] of Object.entries(parameters)) {
    const twin = names.get(parameter);
    if (twin !== undefined) {
      throw new TypeError(
        `Cannot pack the parameters: ${twin} and ${name} must be different parameters, got the same one twice`,
      );
    }
    names.set(parameter, name);
    segments.push({ name, shape: parameter.shape, offset: length });
    length += parameter.size;
  }
  const entries = Object.values(parameters);
  const first = entries[0];
  if (first === undefined) throw new RangeError("Cannot pack the parameters: there must be at least one, got none");

  let expected = first.slab.offset;
  const inPlace = first.slab.length === length && entries.every((parameter) => {
    const here = parameter.slab === first.slab && parameter.offset === expected;
    expected += 4 * parameter.size;
    return here;
  });
  if (inPlace) return { slab: first.slab, segments };

  const slab = new Slab(length, `the parameters of a model (${length} values and their gradients)`);
  entries.forEach((parameter, index) => parameter.moveTo(slab, segments[index]!.offset));
  return { slab, segments };
}

/**
 * Copies values into parameters of the same names and shapes. If anything does not fit, nothing is copied.
 *
 * @param parameters The parameters to set.
 * @param tensors The values by name, such as the tensors of a file.
 * @throws {TypeError} If names are missing or unexpected, or shapes or dtypes differ; the message lists every problem.
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
