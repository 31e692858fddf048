import { describe } from "./checks.ts";
import { joined, printable } from "./printable.ts";
import { type NamedParameters, Parameter, Slab } from "./parameter.ts";
import { type SafetensorsDType, type SafetensorsInput, toFloat32 } from "./safetensors.ts";
import { formatShape, type Tensor } from "./tensor.ts";

/** Something with parameters, such as a layer. */
export interface HasParameters {
  /** The parameters by name. */
  parameters(): NamedParameters;
}

/**
 * The parameters of several parts under joined names, as `parameters()` of a composite layer returns them. A parameter that is
 * reached twice, because parts share it, is listed once, under the first name.
 *
 * @param parts Layers, or single parameters, by name.
 * @throws {TypeError} If a part is neither.
 *
 * @example
 * ```ts
 * import { Parameter, parametersOf } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const encoder = { parameters: () => ({ weight: new Parameter([2, 3]) }) };
 * const scale = new Parameter([1]);
 * assert.deepEqual(Object.keys(parametersOf({ encoder, scale })), ["encoder.weight", "scale"]);
 * ```
 */
export function parametersOf(parts: Readonly<Record<string, HasParameters | Parameter>>): NamedParameters {
  const found = new Set<Parameter>();
  const named: Record<string, Parameter> = {};
  const add = (name: string, parameter: Parameter) => {
    if (found.has(parameter)) return;
    found.add(parameter);
    named[name] = parameter;
  };
  for (const [part, value] of Object.entries(parts)) {
    if (value instanceof Parameter) add(part, value);
    else if (typeof value?.parameters === "function") {
      for (const [name, parameter] of Object.entries(value.parameters())) add(`${part}.${name}`, parameter);
    } else {
      throw new TypeError(
        `Cannot list the parameters: ${part} must be a Parameter, or have parameters() as layers do, ` +
          `got ${describe(value)}`,
      );
    }
  }
  return named;
}

/**
 * Throws a `TypeError` unless a value is parameters by name. The message tells what to pass instead of a model.
 *
 * @param doing What the caller is doing, as it follows "Cannot" in the message.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { checkParameters } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * const model = { parameters: () => ({ weight: new Parameter([1]) }) };
 * assert.throws(() => checkParameters("train", model), /pass its parameters\(\)/);
 * checkParameters("train", model.parameters());
 * ```
 */
export function checkParameters(doing: string, parameters: unknown): asserts parameters is NamedParameters {
  const wanted = `Cannot ${doing}: parameters must be Parameters by name, as model.parameters() returns them`;
  if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters)) {
    throw new TypeError(`${wanted}, got ${describe(parameters)}`);
  }
  if (typeof (parameters as Partial<HasParameters>).parameters === "function") {
    throw new TypeError(`${wanted}, got a model (${describe(parameters)}); pass its parameters()`);
  }
  for (const [name, value] of Object.entries(parameters)) {
    if (!(value instanceof Parameter)) throw new TypeError(`${wanted}, got ${describe(value)} under the name ${name}`);
  }
}

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
 * Parameters that already fill one slab in this order stay where they are. A parameter with several names has one place, under
 * the first name.
 *
 * @param parameters The parameters by name.
 * @throws {RangeError} If there are none.
 * @throws {TypeError} If these are not parameters by name.
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
  checkParameters("pack the parameters", parameters);
  const names = new Map<Tensor, string>();
  const entries: Parameter[] = [];
  const segments: Segment[] = [];
  let length = 0;
  for (const [name, parameter] of Object.entries(parameters)) {
    if (names.has(parameter)) continue;
    names.set(parameter, name);
    entries.push(parameter);
    segments.push({ name, shape: parameter.shape, offset: length });
    length += parameter.size;
  }
  const first = entries[0];
  if (first === undefined) throw new RangeError("Cannot pack the parameters: there must be at least one, got none");

  let expected = first.slab.offset;
  const inPlace = first.slab.length === length && entries.every((parameter) => {
    const here = parameter.slab === first.slab && parameter.offset === expected;
    expected += 4 * parameter.size;
    return here;
  });
  const slab = inPlace
    ? first.slab
    : new Slab(length, `the parameters of a model (${length} values and their gradients)`);
  slab.names = names;
  if (inPlace) return { slab, segments };
  entries.forEach((parameter, index) => {
    slab.lastWrite = Math.max(slab.lastWrite, parameter.slab.lastWrite);
    parameter.moveTo(slab, segments[index]!.offset);
  });
  return { slab, segments };
}

/** Options for {@linkcode loadParameters}. */
export interface LoadParametersOptions {
  /**
   * Whether everything must fit. If false, what does not fit is skipped and reported: parameters without values, values
   * without a parameter, other shapes and kinds.
   *
   * @default {true}
   */
  strict?: boolean;
}

/** What {@linkcode loadParameters} did. */
export interface LoadReport {
  /** The parameters that were set. */
  readonly loaded: readonly string[];
  /** The dtype in the file of each parameter whose values were converted to 32-bit floats: F16, BF16 or F64. */
  readonly converted: Readonly<Record<string, SafetensorsDType>>;
  /** What was skipped, a sentence each; empty unless `strict` is false. */
  readonly skipped: readonly string[];
}

/**
 * Copies values into parameters of the same names and shapes. F16, BF16 and F64 are converted to 32-bit floats, which the report
 * says. If anything does not fit, nothing is copied, unless `strict` is false. A parameter with several names needs values
 * under one of them.
 *
 * @param parameters The parameters to set.
 * @param tensors The values by name, such as the tensors of a file.
 * @returns What was loaded, converted and skipped.
 * @throws {TypeError} If names are missing or unexpected, shapes or dtypes differ, or values are too large for 32-bit floats; the
 * message lists the problems. With `strict: false`, if no parameter can be set.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors, loadParameters, Parameter } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const saved = encodeSafetensors([["weight", new Parameter([2], (data) => data.set([1, 2]))]]);
 * const [weight, bias] = [new Parameter([2]), new Parameter([1])];
 * loadParameters({ weight }, decodeSafetensors(saved).tensors);
 * assert.deepEqual(weight.toArray(), [1, 2]);
 *
 * const report = loadParameters({ weight, bias }, decodeSafetensors(saved).tensors, { strict: false });
 * assert.deepEqual(report.skipped, ["bias is missing"]);
 * ```
 */
export function loadParameters(
  parameters: NamedParameters,
  tensors: ReadonlyMap<string, SafetensorsInput>,
  options: LoadParametersOptions = {},
): LoadReport {
  const { strict = true } = options;
  checkParameters("load the parameters", parameters);
  const problems: string[] = [];
  const values = new Map<Parameter, { name: string; floats: Float32Array }>();
  const missing = new Map<Parameter, string>();
  const converted: Record<string, SafetensorsDType> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const found = tensors.get(name);
    if (found === undefined) {
      if (!missing.has(parameter)) missing.set(parameter, name);
      continue;
    }
    const read = readValues(name, found, parameter);
    const twin = values.get(parameter);
    if (typeof read === "string") problems.push(read);
    else if (twin === undefined) {
      values.set(parameter, { name, floats: read.floats });
      if (read.from !== undefined) converted[name] = read.from;
    } else if (read.floats.some((value, i) => !Object.is(value, twin.floats[i]))) {
      problems.push(`${twin.name} and ${name} are one parameter and must have the same values`);
    }
  }
  for (const [parameter, name] of missing) if (!values.has(parameter)) problems.push(`${name} is missing`);
  for (const name of tensors.keys()) {
    if (!Object.hasOwn(parameters, name)) problems.push(`${printable(name)} is not a parameter of the model`);
  }
  if (problems.length > 0 && (strict || values.size === 0)) {
    const hint = strict ? "" : "nothing fits: ";
    throw new TypeError(`Cannot load the parameters: ${hint}${joined(problems)}`);
  }
  // Nothing can fail from here on.
  for (const [parameter, { floats }] of values) {
    parameter.data.set(floats);
    parameter.slab.markWritten();
  }
  return { loaded: [...values.values()].map(({ name }) => name), converted, skipped: problems };
}

/** The values for a parameter and the dtype that they were converted from, if any, or the problem with them. */
function readValues(
  name: string,
  found: SafetensorsInput,
  { shape, size }: Parameter,
): { floats: Float32Array; from: SafetensorsDType | undefined } | string {
  if (formatShape(found.shape) !== formatShape(shape)) {
    return `${name} must have shape ${formatShape(shape)}, got ${printable(formatShape(found.shape))}`;
  }
  const read = toFloat32(found);
  if (read === undefined) {
    return `${name} must be F32, F16, BF16 or F64, got ${found.dtype ?? found.data.constructor.name}`;
  }
  if (read.floats.length !== size) return `${name} must have ${size} values, got ${read.floats.length}`;
  const large = read.tooLarge;
  return large === undefined ? read : `${name} must hold values that fit 32-bit floats, got ${large}`;
}
