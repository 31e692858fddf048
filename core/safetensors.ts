import { describe } from "./checks.ts";
import { printable, quoted } from "./printable.ts";
import { checkShape, formatShape, type Shape, sizeOf } from "./tensor.ts";

/** The dtypes of the format and the arrays that hold them. F16 and BF16 are raw bits, and come after U16, which is the default
 * dtype of a `Uint16Array`. */
const ARRAYS = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** The format's own limit on the header, in bytes. */
const MAX_HEADER = 100_000_000;

/** The dtype of a tensor in a safetensors file. */
export type SafetensorsDType =
  | "F64"
  | "I64"
  | "U64"
  | "F32"
  | "I32"
  | "U32"
  | "I16"
  | "U16"
  | "F16"
  | "BF16"
  | "I8"
  | "U8"
  | "BOOL";

/** An array that a safetensors file can hold. */
export type SafetensorsData =
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** A tensor of a file. */
export interface SafetensorsTensor {
  /** The kind of elements. */
  readonly dtype: SafetensorsDType;
  /** Lengths of the axes. */
  readonly shape: Shape;
  /** The elements in row-major order; raw bits for F16 and BF16. */
  readonly data: SafetensorsData;
}

/** The contents of a file. */
export interface Safetensors {
  /** The tensors by name. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  /** Text by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A safetensors file cannot be read. The message names the file and the problem. */
export class SafetensorsError extends Error {
  /** The name of the class. */
  override readonly name = "SafetensorsError";
}

/** A tensor to write, such as a {@linkcode Tensor}, a {@linkcode Parameter} or a {@linkcode SafetensorsTensor}. */
export interface SafetensorsInput {
  /** Lengths of the axes. */
  readonly shape: Shape;
  /** The elements in row-major order. */
  readonly data: SafetensorsData;
  /**
   * The kind of elements. Needed for F16, BF16 and BOOL, which the array does not determine.
   *
   * @default {the kind of the array}
   */
  readonly dtype?: SafetensorsDType | "f32" | "i32";
}

/** Values as 32-bit floats. */
export interface Float32Values {
  /** The values; the array itself if it held 32-bit floats. */
  readonly floats: Float32Array<ArrayBuffer>;
  /** The dtype that they were converted from; undefined if they were 32-bit floats. */
  readonly from: SafetensorsDType | undefined;
  /** The first finite value that is too large for a 32-bit float, if any. */
  readonly tooLarge: number | undefined;
}

/**
 * The values of a tensor as 32-bit floats: F32 as they are, F16, BF16 and F64 converted. F16 and BF16 convert exactly; F64 is
 * rounded.
 *
 * @returns The values, or undefined for other dtypes.
 *
 * @example
 * ```ts
 * import { toFloat32 } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const half = toFloat32({ dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000) });
 * assert.deepEqual([...half!.floats, half!.from], [1, -2, "F16"]);
 * assert.equal(toFloat32({ shape: [1], data: Int32Array.of(1) }), undefined);
 * ```
 */
export function toFloat32({ dtype, data }: SafetensorsInput): Float32Values | undefined {
  const kind = dtype?.toUpperCase();
  if (data instanceof Float32Array) {
    return kind === undefined || kind === "F32" ? { floats: data, from: undefined, tooLarge: undefined } : undefined;
  }
  if (data instanceof Float64Array && (kind === undefined || kind === "F64")) {
    const tooLarge = data.find((value) => Number.isFinite(value) && !Number.isFinite(Math.fround(value)));
    return { floats: Float32Array.from(data), from: "F64", tooLarge };
  }
  if (!(data instanceof Uint16Array) || (kind !== "F16" && kind !== "BF16")) return undefined;
  const bits = kind === "BF16" ? (half: number) => half << 16 : bitsOfHalf;
  const floats = new Float32Array(Int32Array.from(data, bits).buffer);
  return { floats, from: kind, tooLarge: undefined };
}

/** The bits of a 16-bit float as those of a 32-bit float. */
function bitsOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = half >>> 10 & 31;
  const fraction = half & 1023;
  if (exponent === 31) return sign | 0x7f800000 | fraction << 13;
  if (exponent > 0) return sign | exponent + 112 << 23 | fraction << 13;
  if (fraction === 0) return sign;
  // Below the least normal number: shifts the first 1 of the fraction out.
  const shift = Math.clz32(fraction) - 21;
  return sign | 113 - shift << 23 | (fraction << shift & 1023) << 13;
}

/** Options for {@linkcode encodeSafetensors}. */
export interface EncodeSafetensorsOptions {
  /**
   * Text to store with the tensors.
   *
   * @default {{}}
   */
  metadata?: Readonly<Record<string, string>>;
}

function dtypeOf(name: string, { dtype, data }: SafetensorsInput): SafetensorsDType {
  const kinds = Object.keys(ARRAYS) as SafetensorsDType[];
  if (dtype === undefined) {
    const kind = kinds.find((kind) => data instanceof ARRAYS[kind]);
    if (kind !== undefined) return kind;
    const arrays = [...new Set(Object.values(ARRAYS))].map((array) => array.name).join(", ");
    throw new TypeError(
      `Cannot write safetensors: the data of ${quoted(name)} must be one of ${arrays}, got ${describe(data)}`,
    );
  }
  const given = kinds.find((kind) => kind === String(dtype).toUpperCase());
  if (given === undefined) {
    throw new TypeError(
      `Cannot write safetensors: the dtype of ${quoted(name)} must be one of ${kinds.join(", ")}, got ${
        describe(dtype)
      }`,
    );
  }
  if (!(data instanceof ARRAYS[given])) {
    throw new TypeError(
      `Cannot write safetensors: elements of ${given} must be in a ${ARRAYS[given].name}, got ${data.constructor.name}`,
    );
  }
  return given;
}

/**
 * Writes tensors in the safetensors format: the length of the header, the header in JSON, the elements.
 *
 * @param tensors Pairs of a name and a tensor.
 * @returns The bytes of the file.
 * @throws {TypeError} If metadata is not text, a name is repeated, a dtype is unknown or does not fit its array, or a tensor's elements do not fill its shape.
 * @throws {RangeError} If a shape is invalid, or the names and metadata need a header of more than 100 MB.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const bytes = encodeSafetensors([["x", tensor([1, 2])]], { metadata: { author: "me" } });
 * const { tensors, metadata } = decodeSafetensors(bytes);
 * assert.deepEqual(tensors.get("x"), { dtype: "F32", shape: [2], data: Float32Array.of(1, 2) });
 * assert.equal(metadata.author, "me");
 * ```
 *
 * @see {@link https://huggingface.co/docs/safetensors | The format}
 */
export function encodeSafetensors(
  tensors: Iterable<readonly [name: string, tensor: SafetensorsInput]>,
  options: EncodeSafetensorsOptions = {},
): Uint8Array<ArrayBuffer> {
  const header = new Map<string, unknown>();
  if (options.metadata !== undefined) {
    for (const [key, value] of Object.entries<unknown>(options.metadata)) {
      if (typeof value === "string") continue;
      throw new TypeError(
        `Cannot write safetensors: metadata must be text, got ${describe(value)} under ${
          quoted(key)
        }; use JSON.stringify`,
      );
    }
    header.set("__metadata__", options.metadata);
  }
  // Widest elements first, so that all start at a multiple of their size.
  const entries = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  let end = 0;
  for (const [name, tensor] of entries) {
    if (header.has(name) || name === "__metadata__") {
      throw new TypeError(`Cannot write safetensors: names must be unique and not __metadata__, got ${quoted(name)}`);
    }
    checkShape("write safetensors", tensor.shape);
    if (tensor.data.length !== sizeOf(tensor.shape)) {
      throw new TypeError(
        `Cannot write safetensors: ${quoted(name)} of shape ${formatShape(tensor.shape)} must have ${
          sizeOf(tensor.shape)
        } ` +
          `elements, got ${tensor.data.length}`,
      );
    }
    const start = end;
    end += tensor.data.byteLength;
    header.set(name, { dtype: dtypeOf(name, tensor), shape: tensor.shape, data_offsets: [start, end] });
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  if (json.length > MAX_HEADER) {
    throw new RangeError(
      `Cannot write safetensors: the names and metadata must fit a header of ${MAX_HEADER} bytes, got ${json.length}; ` +
        "keep long texts in a file of their own",
    );
  }
  const dataStart = Math.ceil((8 + json.length) / 8) * 8;
  const file = new Uint8Array(dataStart + end).fill(0x20, 0, dataStart);
  new DataView(file.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  file.set(json, 8);
  let position = dataStart;
  for (const [, { data }] of entries) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return file;
}

/** Options for {@linkcode decodeSafetensors}. */
export interface DecodeSafetensorsOptions {
  /**
   * The file's name in messages.
   *
   * @default {"safetensors data"}
   */
  file?: string;
}

/** What a file begins with that stands for one in Git LFS. */
const LFS_POINTER = new TextEncoder().encode("version https://git-lfs");

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads a safetensors file. Nothing in it is trusted: the header, dtypes, shapes and offsets are checked before any element is
 * read, and the elements must fill the file without gaps or overlaps.
 *
 * @param bytes The bytes of the file.
 * @returns Its tensors and metadata. The data are views of `bytes` if aligned, and copies otherwise.
 * @throws {SafetensorsError} If the file violates the format.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, SafetensorsError } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.throws(() => decodeSafetensors(new Uint8Array(3), { file: "weights.safetensors" }), SafetensorsError);
 * ```
 */
export function decodeSafetensors(bytes: Uint8Array<ArrayBuffer>, options: DecodeSafetensorsOptions = {}): Safetensors {
  const fail = (problem: string): never => {
    const file = printable(options.file ?? "safetensors data", Infinity);
    throw new SafetensorsError(`Cannot read ${file}: ${problem}`);
  };
  if (startsWith(bytes, LFS_POINTER)) {
    fail("it is a Git LFS pointer, not the file itself; run `git lfs pull`, or download the file");
  }
  if (bytes.length < 8) fail(`it must start with the 8 bytes of a header length, got ${bytes.length} bytes`);
  const announced = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (announced > MAX_HEADER) {
    fail(`its header must have at most ${MAX_HEADER} bytes, got a header length of ${announced}`);
  }
  if (announced > bytes.length - 8) {
    fail(`its header must fit into the file's ${bytes.length} bytes, got a header length of ${announced}`);
  }
  const dataStart = 8 + Number(announced);
  const { metadata, entries } = parseHeader(bytes.subarray(8, dataStart), fail);

  const tensors = new Map<string, SafetensorsTensor>();
  let end = 0;
  for (const { name, dtype, shape, start, stop } of entries.toSorted((a, b) => a.start - b.start || a.stop - b.stop)) {
    if (start !== end) {
      fail(`the data of ${quoted(name)} must start at byte ${end}, where the previous tensor ends, got ${start}`);
    }
    end = stop;
    if (dataStart + stop > bytes.length) {
      fail(
        `the data of ${quoted(name)} must end within the file's ${bytes.length - dataStart} bytes of data, got ${stop}`,
      );
    }
    const array = ARRAYS[dtype];
    const from = bytes.byteOffset + dataStart + start;
    const aligned = from % array.BYTES_PER_ELEMENT === 0;
    const buffer = aligned ? bytes.buffer : new Uint8Array(bytes.subarray(dataStart + start, dataStart + stop)).buffer;
    const length = (stop - start) / array.BYTES_PER_ELEMENT;
    tensors.set(name, { dtype, shape, data: new array(buffer, aligned ? from : 0, length) });
  }
  if (dataStart + end !== bytes.length) {
    fail(`its tensors must fill the file's ${bytes.length - dataStart} bytes of data, got ${end}`);
  }
  return { tensors: new Map(entries.map(({ name }) => [name, tensors.get(name)!])), metadata };
}

interface HeaderEntry {
  name: string;
  dtype: SafetensorsDType;
  shape: number[];
  start: number;
  stop: number;
}

function parseHeader(bytes: Uint8Array, fail: (problem: string) => never) {
  let text = "";
  let header: unknown;
  try {
    // By default the decoder drops a byte-order mark.
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (text.startsWith("\uFEFF")) throw new SyntaxError("a byte-order mark before it");
    header = JSON.parse(text);
  } catch (error) {
    fail(`its header must be JSON in UTF-8, got ${printable((error as Error).message, 200)}`);
  }
  if (!isRecord(header)) return fail("its header must be a JSON object");
  checkKeys(text, fail);

  const { __metadata__: metadata = {}, ...described } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    return fail("its __metadata__ must hold text by key");
  }
  const entries = Object.entries(described).map(([name, value]) => parseEntry(name, value, fail));
  return { metadata: metadata as Record<string, string>, entries };
}

function parseEntry(name: string, value: unknown, fail: (problem: string) => never): HeaderEntry {
  if (!isRecord(value)) return fail(`the entry of ${quoted(name)} must be an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(ARRAYS, dtype)) {
    return fail(
      `the dtype of ${quoted(name)} must be one of ${Object.keys(ARRAYS).join(", ")}, got ${quoted(dtype)}`,
    );
  }
  if (!isCounts(shape)) {
    return fail(`the shape of ${quoted(name)} must be integers of 0 or more, got ${quoted(shape)}`);
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    return fail(`the data_offsets of ${quoted(name)} must be a start and an end, got ${quoted(offsets)}`);
  }
  const [start, stop] = offsets as [number, number];
  const size = sizeOf(shape) * ARRAYS[dtype as SafetensorsDType].BYTES_PER_ELEMENT;
  // A product past 2⁵³ is inexact, but no file is that long.
  if (!Number.isSafeInteger(size) || size !== stop - start) {
    return fail(
      `the data of ${quoted(name)} must have the ${size} bytes of its shape ${printable(formatShape(shape))}, got ${
        stop - start
      }`,
    );
  }
  return { name, dtype: dtype as SafetensorsDType, shape, start, stop };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

/** The deepest nesting of a header. The format itself needs three levels. */
const MAX_DEPTH = 64;

/** Refuses repeated keys in a valid JSON text, since `JSON.parse` silently keeps the last one; and deep nesting. */
function checkKeys(json: string, fail: (problem: string) => never): void {
  /** The keys so far of each object that is open, from the outermost; undefined for arrays. */
  const open: (Set<string> | undefined)[] = [];
  let name = "";
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === "{" || character === "[") {
      if (open.length === MAX_DEPTH) fail(`its header must be nested at most ${MAX_DEPTH} levels deep`);
      open.push(character === "{" ? new Set() : undefined);
    } else if (character === "}" || character === "]") open.pop();
    else if (character === '"') {
      const start = at;
      for (at++; json[at] !== '"'; at++) if (json[at] === "\\") at++;
      let next = at + 1;
      while (" \n\r\t".includes(json[next] ?? "x")) next++;
      if (json[next] !== ":") continue;
      const key: string = JSON.parse(json.slice(start, at + 1));
      const keys = open.at(-1)!;
      if (keys.has(key)) {
        fail(`${open.length === 1 ? "names" : `the keys of ${quoted(name)}`} must be unique, got ${quoted(key)} twice`);
      }
      keys.add(key);
      if (open.length === 1) name = key;
    }
  }
}
