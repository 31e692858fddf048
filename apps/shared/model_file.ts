import {
  decodeSafetensors,
  encodeSafetensors,
  loadParameters,
  type NamedParameters,
  SafetensorsError,
  type SafetensorsTensor,
  uninitialized,
} from "@unfold/core";
import type { Layer } from "@unfold/layers";
import { printable, quoted } from "./printable.ts";

/** The most characters of what is wrong with a model file. */
const LONGEST_PROBLEM = 900;

/** The tensors of a model file by name. */
export type FileTensors = ReadonlyMap<string, SafetensorsTensor>;

/** A configuration as read from a file: any JSON object. */
export type RawConfig = Readonly<Record<string, unknown>>;

/** Throws unless an entry of a configuration is valid. `wanted` completes "its NAME must be …". */
export type ConfigCheck = (name: string, valid: boolean, wanted: string) => void;

/** Makes the function that checks the entries of a configuration. */
export function checkerOf(config: RawConfig): ConfigCheck {
  return (name, valid, wanted) => {
    if (valid) return;
    throw new TypeError(`its ${name} must be ${wanted}, got ${quoted(config[name])}`);
  };
}

/** Whether a value is a size: an integer of 1 or more. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** Whether a value is a list of texts that are all different, such as classes: a model has one output for each. */
export function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string") &&
    new Set(value).size === value.length;
}

/**
 * Checks that an axis of a tensor in a file has the configured size. Call it before building the network, because a
 * wrong size may be huge.
 */
export function checkAxis(tensors: FileTensors, name: string, axis: 0 | 1, size: number): void {
  const found = tensors.get(name)?.shape[axis];
  if (found === size) return;
  throw new TypeError(`${name} must have ${size} ${axis === 0 ? "rows" : "columns"}, got ${found}`);
}

/**
 * Checks that a file has weights for the network that its configuration describes, so that a small file cannot ask for a
 * huge one. Call it before building the network. A file that lacks few weights gets a more precise message later.
 */
export function checkWeights(tensors: FileTensors, weights: number): void {
  const found = tensors.values().reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
  if (weights <= 2 * found) return;
  throw new TypeError(
    `it must have the ${weights.toLocaleString("en")} weights of its configuration, got ${found.toLocaleString("en")}`,
  );
}

/** Writes a model as a safetensors file: the weights, and the configuration as metadata under `key`. */
export function encodeModel(key: string, config: object, network: Layer): Uint8Array<ArrayBuffer> {
  const metadata = { [key]: JSON.stringify(config) };
  return encodeSafetensors(Object.entries(network.parameters()), { metadata });
}

/**
 * Reads a model that {@linkcode encodeModel} wrote.
 *
 * @param bytes The file's contents.
 * @param options The file's name, for messages; the metadata key; and a function that checks the configuration and builds
 * the model, whose weights are then loaded.
 * @throws {SafetensorsError} If the file is damaged, is not a model of this app, or has a weight that is not finite.
 */
export function decodeModel<Model extends { readonly network: Layer }>(
  bytes: Uint8Array<ArrayBuffer>,
  { file, key, build }: {
    readonly file: string;
    readonly key: string;
    readonly build: (config: RawConfig, tensors: FileTensors) => Model;
  },
): Model {
  const { tensors, metadata } = decodeSafetensors(bytes, { file });
  try {
    const text = metadata[key];
    if (text === undefined) throw new TypeError(`it must be a model of this app, got no ${key} metadata`);
    const config = Object(JSON.parse(text)) as RawConfig;
    const model = uninitialized(() => build(config, tensors));
    loadParameters(model.network.parameters(), tensors);
    checkFinite(model.network.parameters());
    return model;
  } catch (error) {
    const problem = printable((error as Error).message, LONGEST_PROBLEM);
    throw new SafetensorsError(`Cannot read ${printable(file, Infinity)}: ${problem}`, { cause: error });
  }
}

/** Throws if a weight is not finite. A single one would make every output NaN. */
function checkFinite(parameters: NamedParameters): void {
  for (const [name, { data }] of Object.entries(parameters)) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw new RangeError(`${name} must be finite, got ${data[at]} at position ${at}`);
  }
}
