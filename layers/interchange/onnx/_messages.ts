import {
  arrayField,
  bytesField,
  type Encoded,
  floatField,
  integerField,
  integersField,
  message,
} from "@unfold/core/support";

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
function attribute(name: string, value: OnnxAttribute): Encoded {
  const of = (type: number, ...fields: Encoded[]) => message(bytesField(1, name), ...fields, integerField(20, type));
  if (typeof value === "number") return of(2, integerField(3, value));
  if (typeof value === "string") return of(3, bytesField(4, value));
  if ("float" in value) return of(1, floatField(2, value.float));
  if ("graph" in value) return of(5, arrayField(6, value.graph));
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
): Encoded {
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
): Encoded {
  return message(integersField(1, shape), integerField(2, DTYPES[dtype]), bytesField(8, name), arrayField(9, data));
}

/** A `ValueInfoProto`: an input or output of a graph. */
export function valueInfo(name: string, dtype: OnnxDType, shape: OnnxShape): Encoded {
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
    Record<"nodes" | "constants" | "inputs" | "outputs", readonly Encoded[]>
  >,
): Encoded {
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
export function modelMessage(graph: Encoded, metadata: Readonly<Record<string, string>>): Encoded {
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
