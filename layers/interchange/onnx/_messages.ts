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
function message(...fields: readonly (Pieces | undefined)[]): Pieces {
  return joined(fields.filter((field) => field !== undefined));
}

/** A field of an integer. */
function integerField(field: number, value: number): Pieces {
  return piece(Uint8Array.of(...key(field, 0), ...varint(value)));
}

/** A field of many integers, packed. */
function integersField(field: number, values: readonly number[]): Pieces {
  return bytesField(field, piece(Uint8Array.from(values.flatMap(varint))));
}

/** A field of a 32-bit float. */
function floatField(field: number, value: number): Pieces {
  return piece(Uint8Array.of(...key(field, 5), ...new Uint8Array(Float32Array.of(value).buffer)));
}

/** A field of text, bytes or another message. */
function bytesField(field: number, value: string | Pieces): Pieces {
  const contents = typeof value === "string" ? piece(text.encode(value)) : value;
  return joined([piece(Uint8Array.of(...key(field, 2), ...varint(contents.length))), contents]);
}

/** A field of an array's elements, byte for byte; they are not copied before {@linkcode toBytes}. */
function rawField(field: number, { buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>): Pieces {
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

/** A kind of element. */
export type OnnxDType = "f32" | "i32" | "i64" | "bool";

/** The kinds' numbers in the format. */
const DTYPES: Readonly<Record<OnnxDType, number>> = { f32: 1, i32: 6, i64: 7, bool: 9 };

/** The lengths of the axes; a string names an axis whose length is known only at run time. */
export type OnnxShape = readonly (number | string)[];

/** The body of a loop, as an attribute. */
export interface OnnxBody {
  /** The nodes, encoded. */
  readonly graph: Uint8Array<ArrayBuffer>;
}

/** The value of a node's attribute; plain numbers are integers. */
export type OnnxAttribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | OnnxBody;

/** An `AttributeProto`. */
function attribute(name: string, value: OnnxAttribute): Pieces {
  const of = (type: number, ...fields: Pieces[]) => message(bytesField(1, name), ...fields, integerField(20, type));
  if (typeof value === "number") return of(2, integerField(3, value));
  if (typeof value === "string") return of(3, bytesField(4, value));
  if ("float" in value) return of(1, floatField(2, value.float));
  if ("graph" in value) return of(5, rawField(6, value.graph));
  if (typeof value[0] === "string") return of(8, ...(value as string[]).map((one) => bytesField(9, one)));
  return of(7, integersField(8, value as number[]));
}

/** A `NodeProto`. */
export function node(
  op: string,
  { name, inputs, outputs, attributes }: {
    readonly name: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  },
): Pieces {
  return message(
    ...inputs.map((input) => bytesField(1, input)),
    ...outputs.map((output) => bytesField(2, output)),
    bytesField(3, name),
    bytesField(4, op),
    ...Object.entries(attributes).map(([key, value]) => bytesField(5, attribute(key, value))),
  );
}

/** A `TensorProto`. */
export function tensorMessage(
  name: string,
  shape: readonly number[],
  { dtype, data }: { readonly dtype: OnnxDType; readonly data: ArrayBufferView<ArrayBuffer> },
): Pieces {
  return message(integersField(1, shape), integerField(2, DTYPES[dtype]), bytesField(8, name), rawField(9, data));
}

/** A `ValueInfoProto`: an input or output of a graph. */
export function valueInfo(name: string, dtype: OnnxDType, shape: OnnxShape): Pieces {
  const axes = shape.map((length) =>
    bytesField(1, typeof length === "number" ? integerField(1, length) : bytesField(2, length))
  );
  const tensor = message(integerField(1, DTYPES[dtype]), bytesField(2, message(...axes)));
  return message(bytesField(1, name), bytesField(2, bytesField(1, tensor)));
}

/** A `GraphProto`. */
export function graphMessage(
  name: string,
  { nodes, constants, inputs, outputs }: Readonly<
    Record<"nodes" | "constants" | "inputs" | "outputs", readonly Pieces[]>
  >,
): Pieces {
  return message(
    ...nodes.map((one) => bytesField(1, one)),
    bytesField(2, name),
    ...constants.map((one) => bytesField(5, one)),
    ...inputs.map((one) => bytesField(11, one)),
    ...outputs.map((one) => bytesField(12, one)),
  );
}

/** Opset 17 (2022) is the first with `LayerNormalization`; it uses version 8 of the file format. */
const [OPSET, IR_VERSION] = [17, 8];

/** A `ModelProto`. */
export function modelMessage(graph: Pieces, metadata: Readonly<Record<string, string>>): Pieces {
  return message(
    integerField(1, IR_VERSION),
    bytesField(2, "unfold"),
    bytesField(7, graph),
    bytesField(8, message(bytesField(1, ""), integerField(2, OPSET))),
    ...Object.entries(metadata).map(([key, value]) =>
      bytesField(14, message(bytesField(1, key), bytesField(2, value)))
    ),
  );
}
