/** Bytes in pieces, so that weights are copied once, when all is joined. */
export interface Pieces {
  readonly length: number;
  readonly pieces: readonly Uint8Array[];
}

const text = new TextEncoder();

function joined(parts: readonly Pieces[]): Pieces {
  const length = parts.reduce((total, part) => total + part.length, 0);
  return { length, pieces: parts.flatMap(({ pieces }) => pieces) };
}

function piece(bytes: Uint8Array): Pieces {
  return { length: bytes.length, pieces: [bytes] };
}

function varint(value: number): number[] {
  // A negative number is that of its 64 bits.
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

/** A key is the field's number and the kind of its value: 0 for a varint, 2 for bytes with their length, 5 for 4 bytes. */
function key(field: number, kind: 0 | 2 | 5): number[] {
  return varint(field << 3 | kind);
}

/** A message of protocol buffers: its fields one after the other; what is left out may be undefined. */
export function message(...fields: readonly (Pieces | undefined)[]): Pieces {
  return joined(fields.filter((field) => field !== undefined));
}

/** A field of an integer. */
export function integerField(field: number, value: number): Pieces {
  return piece(Uint8Array.of(...key(field, 0), ...varint(value)));
}

/** A field of many integers, packed. */
export function integersField(field: number, values: readonly number[]): Pieces {
  return bytesField(field, piece(Uint8Array.from(values.flatMap(varint))));
}

/** A field of a 32-bit float. */
export function floatField(field: number, value: number): Pieces {
  return piece(Uint8Array.of(...key(field, 5), ...new Uint8Array(Float32Array.of(value).buffer)));
}

/** A field of text, bytes or another message. */
export function bytesField(field: number, value: string | Pieces): Pieces {
  const contents = typeof value === "string" ? piece(text.encode(value)) : value;
  return joined([piece(Uint8Array.of(...key(field, 2), ...varint(contents.length))), contents]);
}

/** A field of an array's elements, byte for byte; they are not copied before {@linkcode toBytes}. */
export function rawField(field: number, { buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>): Pieces {
  return bytesField(field, piece(new Uint8Array(buffer, byteOffset, byteLength)));
}

/** The bytes in one piece. */
export function toBytes({ length, pieces }: Pieces): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of pieces) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
