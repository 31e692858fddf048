/** Encoded protocol buffers, in chunks, so that large arrays are copied once, by {@linkcode toBytes}. */
export interface Encoded {
  /** The number of bytes. */
  readonly length: number;
  /** The bytes, in order. */
  readonly chunks: readonly Uint8Array[];
}

const text = new TextEncoder();

function joined(parts: readonly Encoded[]): Encoded {
  const length = parts.reduce((total, part) => total + part.length, 0);
  return { length, chunks: parts.flatMap(({ chunks }) => chunks) };
}

function chunk(bytes: Uint8Array): Encoded {
  return { length: bytes.length, chunks: [bytes] };
}

/** An integer, 7 bits per byte, lowest first. A negative one is encoded as its 64 bits. */
function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

/** A field's number and wire type: 0 for a varint, 1 for 8 bytes, 2 for a length and that many bytes, 5 for 4 bytes. */
function key(field: number, wireType: 0 | 1 | 2 | 5): number[] {
  return varint(field << 3 | wireType);
}

/**
 * A message of protocol buffers: its fields in order. Undefined fields are skipped.
 *
 * @example
 * ```ts
 * import { bytesField, integerField, message, toBytes } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...toBytes(message(integerField(1, 150), bytesField(2, "hi")))], [8, 150, 1, 18, 2, 104, 105]);
 * ```
 */
export function message(...fields: readonly (Encoded | undefined)[]): Encoded {
  return joined(fields.filter((field) => field !== undefined));
}

/** A field with an integer (`int64`, `int32`, `bool` or an enum). */
export function integerField(field: number, value: number): Encoded {
  return chunk(Uint8Array.of(...key(field, 0), ...varint(value)));
}

/** A packed field with a list of integers. */
export function integersField(field: number, values: readonly number[]): Encoded {
  return bytesField(field, chunk(Uint8Array.from(values.flatMap(varint))));
}

/** A field with a 32-bit float (`float`). */
export function floatField(field: number, value: number): Encoded {
  return chunk(Uint8Array.of(...key(field, 5), ...new Uint8Array(Float32Array.of(value).buffer)));
}

/** A field with a 64-bit float (`double`). */
export function doubleField(field: number, value: number): Encoded {
  return chunk(Uint8Array.of(...key(field, 1), ...new Uint8Array(Float64Array.of(value).buffer)));
}

/** A field with a string or another message. */
export function bytesField(field: number, value: string | Encoded): Encoded {
  const contents = typeof value === "string" ? chunk(text.encode(value)) : value;
  return joined([chunk(Uint8Array.of(...key(field, 2), ...varint(contents.length))), contents]);
}

/** A field with the bytes of an array (`bytes`), which are not copied before {@linkcode toBytes}. */
export function arrayField(field: number, { buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>): Encoded {
  return bytesField(field, chunk(new Uint8Array(buffer, byteOffset, byteLength)));
}

/** All bytes in one array. */
export function toBytes({ length, chunks }: Encoded): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of chunks) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
