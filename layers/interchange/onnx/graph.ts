import { formatShape, type Parameter, sizeOf } from "@unfold/core";
import { type Encoded, printable, quoted, toBytes } from "@unfold/core/support";
import type { Layer } from "../../layer.ts";
import {
  graphMessage,
  modelMessage,
  node,
  type OnnxAttribute,
  type OnnxBody,
  type OnnxDType,
  type OnnxShape,
  tensorMessage,
  valueInfo,
} from "./_messages.ts";

export type { OnnxAttribute, OnnxBody, OnnxDType, OnnxShape };

/** A value that flows between the nodes of a graph. */
export interface OnnxValue {
  /** Its name in the graph. */
  readonly name: string;
  /** The lengths of the axes; a string names an axis whose length is known only at run time: `["batch", "time", 8]`. */
  readonly shape: OnnxShape;
  /** The element type. */
  readonly dtype: OnnxDType;
}

/** The shape and element type of a node's output. */
export interface OnnxOutput {
  /** The lengths of the axes. */
  readonly shape: OnnxShape;
  /**
   * The element type.
   *
   * @default {"f32"}
   */
  readonly dtype?: OnnxDType;
}

/** Options of a node: its output, and its attributes under ONNX's names. */
export interface OnnxNodeOptions extends OnnxOutput {
  /**
   * The operator's attributes.
   *
   * @default {{}}
   */
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/**
 * How to export the layers of one class as nodes: the part of a {@linkcode LayerInterchange} that a graph calls.
 *
 * @typeParam L The class.
 */
export interface OnnxLayer<L extends Layer = Layer> {
  /** The class. */
  readonly of: abstract new (...args: never) => L;
  /** Adds the layer's nodes to a graph and returns its output. Omit dropout, which only training uses. */
  onnx?(layer: L, x: OnnxValue, graph: OnnxGraph): OnnxValue;
}

/** Options for a layer inside another one. */
export interface OnnxLayerOptions {
  /**
   * The prefix of the names of its nodes and states: its index or another name within the layer.
   *
   * @default {none}
   */
  readonly name?: string;
  /**
   * Whether its state is carried from call to call. It then becomes an input and an output, unless {@linkcode ToOnnxOptions.state}
   * is false.
   *
   * @default {as for the enclosing layer}
   */
  readonly carries?: boolean;
}

/** Arrays that a graph can hold as constants. */
export type OnnxConstant = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;

/** The encoded parts of a graph or of a loop body. */
interface Parts {
  readonly nodes: Encoded[];
  readonly constants: Encoded[];
  readonly inputs: Encoded[];
  readonly outputs: Encoded[];
}

/** Names reserved for inputs and outputs. */
const RESERVED = /^(input|lengths|output|(state|next)\..*)$/;

/** The maximum size of a protocol buffers message in bytes. */
const MOST_BYTES = 2 ** 31 - 1;

/** An error about a layer, with its position in the model. */
function exportError(path: string, layer: Layer, problem: string): TypeError {
  return new TypeError(`Cannot export ${path.replace(/\.$/, " ")}${layer.constructor.name}: ${problem}`);
}

/** The entry with a layer's onnx hook; throws a `TypeError` if there is none. */
export function onnxEntryOf(
  layer: Layer,
  { path, layers }: { readonly path: string; readonly layers: readonly OnnxLayer[] },
): Required<OnnxLayer> {
  const found = layers.find(({ of, onnx }) => of === layer.constructor && onnx !== undefined);
  if (found !== undefined) return found as Required<OnnxLayer>;
  const problem = "its class must have a LayerInterchange with an onnx hook; pass one in options.layers";
  throw exportError(path, layer, problem);
}

function emptyParts(): Parts {
  return { nodes: [], constants: [], inputs: [], outputs: [] };
}

/**
 * A graph of ONNX operators that {@linkcode toOnnx} builds. The onnx hook of a {@linkcode LayerInterchange} adds its nodes to it.
 *
 * @example A hook that adds two nodes
 * ```ts
 * import { multiply, type Tensor } from "@unfold/core";
 * import type { Layer } from "@unfold/layers";
 * import { type LayerInterchange, type OnnxGraph, toOnnx } from "@unfold/layers/interchange";
 * import assert from "node:assert/strict";
 *
 * class Cube implements Layer {
 *   parameters = () => ({});
 *   forward = (x: Tensor) => multiply(multiply(x, x), x);
 * }
 *
 * const cube: LayerInterchange<Cube> = {
 *   of: Cube,
 *   onnx(layer, x, graph: OnnxGraph) {
 *     graph.check(layer, x, { shape: ["..."] });
 *     const square = graph.node("Mul", [x, x], { shape: x.shape });
 *     return graph.node("Mul", [square, x], { shape: x.shape });
 *   },
 * };
 * assert.ok(toOnnx(new Cube(), { inputShape: ["batch", 2], layers: [cube] }).length > 0);
 * ```
 *
 * @see {@link https://onnx.ai/onnx/operators/ | The operators}, of opset 17.
 */
export class OnnxGraph {
  readonly #interchanges: readonly OnnxLayer[];
  readonly #parameterNames: ReadonlyMap<Parameter, string>;
  readonly #parameters = new Map<Parameter, OnnxValue>();
  readonly #integers = new Map<string, OnnxValue>();
  readonly #names = new Set<string>();
  readonly #graph = emptyParts();
  /** Where nodes are added: the graph, or the body of a loop in it. */
  #nodes = this.#graph.nodes;
  /** The position of the current layer: `1.0.`. */
  #path = "";
  /** The state option of toOnnx; undefined if only carried states are inputs and outputs. */
  readonly #state: boolean | undefined;
  /** Whether the state of the current layer is carried. */
  #isCarried = false;
  /** The input of the model. */
  readonly x: OnnxValue;
  /** The time steps of each sequence, integers [batch], if the model takes them. */
  readonly lengths: OnnxValue | undefined;

  /**
   * Starts a graph. Programs call {@linkcode toOnnx} instead.
   *
   * @param model The model to export.
   * @param options The model's input, whether it takes lengths, whether states are inputs and outputs, and the entries of layers.
   */
  constructor(model: Layer, options: {
    readonly x: OnnxOutput;
    readonly lengths: boolean;
    readonly state: boolean | undefined;
    readonly layers: readonly OnnxLayer[];
  }) {
    this.#interchanges = options.layers;
    this.#parameterNames = new Map(Object.entries(model.parameters()).map(([name, parameter]) => [parameter, name]));
    this.#state = options.state;
    this.x = this.input("input", options.x);
    const [batch] = this.x.shape as [number | string];
    this.lengths = options.lengths ? this.input("lengths", { shape: [batch], dtype: "i32" }) : undefined;
  }

  /**
   * Adds a layer that is inside another one, by calling its hook.
   *
   * @param layer The layer.
   * @param x Its input.
   * @throws {TypeError} If it has no hook, or the hook does not return a value.
   */
  layer(layer: Layer, x: OnnxValue, options?: OnnxLayerOptions): OnnxValue {
    return this.inside(options ?? {}, () => {
      const entry = onnxEntryOf(layer, { path: this.#path, layers: this.#interchanges });
      const value: OnnxValue | undefined = entry.onnx(layer, x, this);
      if (typeof value?.name === "string" && Array.isArray(value.shape)) return value;
      throw this.error(layer, `its onnx hook must return a value of the graph, got ${quoted(value)}`);
    });
  }

  /** Calls a function that adds a part of a layer; names of nodes and states get the part's name as a prefix. */
  inside<T>({ name, carries = false }: OnnxLayerOptions, write: () => T): T {
    const [path, isCarried] = [this.#path, this.#isCarried];
    if (name !== undefined) this.#path += `${name}.`;
    this.#isCarried ||= carries;
    try {
      return write();
    } finally {
      [this.#path, this.#isCarried] = [path, isCarried];
    }
  }

  /** Whether the state of the current layer is an input and output of the model. */
  get carriesState(): boolean {
    return this.#state ?? this.#isCarried;
  }

  /** The position of the current layer, as a prefix: `1.`. */
  get path(): string {
    return this.#path;
  }

  /** Creates an error about the current layer. */
  error(layer: Layer, problem: string): TypeError {
    return exportError(this.#path, layer, problem);
  }

  /**
   * Checks the input of a layer.
   *
   * @param expected The element type and the axes. A number must match, a name matches any length, and a leading `"..."` matches any
   * axes.
   * @throws {TypeError} If the input does not match.
   */
  check(layer: Layer, x: OnnxValue, expected: { readonly shape: OnnxShape; readonly dtype?: OnnxDType }): void {
    const { shape, dtype = "f32" } = expected;
    if (x.dtype !== dtype) throw this.error(layer, `its input must hold ${dtype}, got ${x.dtype}`);
    const axes = shape[0] === "..." ? shape.slice(1) : shape;
    const isLongEnough = shape[0] === "..." ? x.shape.length >= axes.length : x.shape.length === axes.length;
    const last = x.shape.slice(x.shape.length - axes.length);
    if (isLongEnough && axes.every((length, i) => typeof length === "string" || length === last[i])) return;
    throw this.error(layer, `its input must have shape [${shape.join(", ")}], got [${x.shape.join(", ")}]`);
  }

  /**
   * Adds a node with one output.
   *
   * @param op The operator's name, such as `"MatMul"`.
   * @param inputs Its inputs; undefined for an omitted one.
   */
  node(op: string, inputs: readonly (OnnxValue | undefined)[], options: OnnxNodeOptions): OnnxValue {
    const { attributes = {}, ...output } = options;
    return this.nodeOf(op, inputs, { attributes, outputs: [output] })[0]!;
  }

  /** Adds a node with several outputs. */
  nodeOf(
    op: string,
    inputs: readonly (OnnxValue | undefined)[],
    options: {
      readonly outputs: readonly OnnxOutput[];
      readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
    },
  ): OnnxValue[] {
    const name = this.#unique(this.#path + op);
    const outputs = options.outputs.map(({ shape, dtype = "f32" }, i) => ({
      name: options.outputs.length === 1 ? name : `${name}.${i}`,
      shape,
      dtype,
    }));
    for (const [key, value] of Object.entries(options.attributes ?? {})) {
      if ([value].flat().every((one) => typeof one !== "number" || Number.isInteger(one))) continue;
      const got = quoted(value);
      throw new TypeError(`Cannot export ${name}: its ${key} must be integers or { float: … }, got ${got}`);
    }
    this.#nodes.push(node(op, {
      name,
      inputs: inputs.map((input) => input?.name ?? ""),
      outputs: outputs.map((output) => output.name),
      attributes: options.attributes ?? {},
    }));
    return outputs;
  }

  /** Builds the body of a loop, for the attribute that holds it. The body can also use values from outside. */
  body(
    inputs: readonly OnnxOutput[],
    build: (inputs: readonly OnnxValue[]) => readonly OnnxValue[],
  ): OnnxBody {
    const outside = this.#nodes;
    const parts = emptyParts();
    this.#nodes = parts.nodes;
    const info = ({ name, dtype, shape }: OnnxValue) => valueInfo(name, dtype, shape);
    try {
      const given = inputs.map(({ shape, dtype = "f32" }) => {
        return { name: this.#unique(`${this.#path}before`), shape, dtype };
      });
      const made = build(given);
      const graph = graphMessage("body", { ...parts, inputs: given.map(info), outputs: made.map(info) });
      return { graph: toBytes(graph) };
    } finally {
      this.#nodes = outside;
    }
  }

  /** Adds a constant: floats, integers, or 64-bit integers, which ONNX requires for shapes and indices. */
  constant(data: OnnxConstant, shape: readonly number[], name = "constant"): OnnxValue {
    if (data.length !== sizeOf(shape)) {
      const wanted = `${sizeOf(shape)} elements for its shape ${formatShape(shape)}`;
      throw new TypeError(`Cannot export ${this.#path}${name}: it must have ${wanted}, got ${data.length}`);
    }
    const dtype = data instanceof Float32Array ? "f32" : data instanceof Int32Array ? "i32" : "i64";
    return this.#constant(this.#unique(this.#path + name), shape, { dtype, data });
  }

  /** A constant of 64-bit integers, which ONNX requires for shapes and axes: a scalar for a number, else a list. */
  integers(values: number | readonly number[]): OnnxValue {
    const key = JSON.stringify(values);
    const known = this.#integers.get(key);
    if (known !== undefined) return known;
    const data = BigInt64Array.from([values].flat(), BigInt);
    const shape = typeof values === "number" ? [] : [data.length];
    const value = this.#constant(this.#unique(key), shape, { dtype: "i64", data });
    this.#integers.set(key, value);
    return value;
  }

  /**
   * A parameter of the model as a constant under its name in the model, with a suffix if an input or output has that name. Each
   * parameter is stored once.
   */
  parameter(parameter: Parameter): OnnxValue {
    const known = this.#parameters.get(parameter);
    if (known !== undefined) return known;
    const name = this.#unique(this.#parameterNames.get(parameter) ?? `${this.#path}parameter`);
    const value = this.#constant(name, parameter.shape, { dtype: "f32", data: parameter.data.slice() });
    this.#parameters.set(parameter, value);
    return value;
  }

  #constant(
    name: string,
    shape: readonly number[],
    tensor: { readonly dtype: OnnxDType; readonly data: OnnxConstant },
  ): OnnxValue {
    this.#graph.constants.push(tensorMessage(name, shape, tensor));
    return { name, shape, dtype: tensor.dtype };
  }

  /**
   * Adds an input of the model.
   *
   * @throws {TypeError} If the name is taken.
   */
  input(name: string, { shape, dtype = "f32" }: OnnxOutput): OnnxValue {
    this.#take(name);
    this.#graph.inputs.push(valueInfo(name, dtype, shape));
    return { name, shape, dtype };
  }

  /**
   * Makes a value an output of the model.
   *
   * @throws {TypeError} If the name is taken.
   */
  output(name: string, { name: from, shape, dtype }: OnnxValue): void {
    this.#take(name);
    this.#graph.outputs.push(valueInfo(name, dtype, shape));
    this.#nodes.push(node("Identity", { name: `${name}.Identity`, inputs: [from], outputs: [name], attributes: {} }));
  }

  #take(name: string): void {
    if (this.#names.has(name)) throw new TypeError(`Cannot export: names must be unique, got ${printable(name)} twice`);
    this.#names.add(name);
  }

  #unique(name: string): string {
    for (let count = 1;; count++) {
      const tried = count === 1 ? name : `${name}_${count}`;
      if (this.#names.has(tried) || (count === 1 && RESERVED.test(name))) continue;
      this.#names.add(tried);
      return tried;
    }
  }

  /** Encodes the file, with `output` as the first output of the model. */
  encode(output: OnnxValue, metadata: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
    this.output("output", output);
    this.#graph.outputs.unshift(this.#graph.outputs.pop()!);
    const file = modelMessage(graphMessage("unfold", this.#graph), metadata);
    if (file.length > MOST_BYTES) {
      throw new RangeError(`Cannot export: an ONNX file must be smaller than 2 GiB, got ${file.length} bytes`);
    }
    return toBytes(file);
  }
}
