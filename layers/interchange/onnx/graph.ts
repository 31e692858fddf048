import { formatShape, type Parameter, sizeOf } from "@unfold/core";
import { type Encoded, toBytes } from "@unfold/core/support";
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

/** What flows between the nodes of a graph. */
export interface OnnxValue {
  /** Its name in the graph. */
  readonly name: string;
  /** Lengths of the axes, those known when the model runs by name: `["batch", "time", 8]`. */
  readonly shape: OnnxShape;
  /** The kind of element. */
  readonly dtype: OnnxDType;
}

/** What a node gives: the shape, and the kind of element, floats unless told otherwise. */
export interface OnnxOutput {
  /** Lengths of the axes. */
  readonly shape: OnnxShape;
  /**
   * The kind of element.
   *
   * @default {"f32"}
   */
  readonly dtype?: OnnxDType;
}

/** Options of a node: what it gives, and its attributes by ONNX's names. */
export interface OnnxNodeOptions extends OnnxOutput {
  /**
   * The operator's attributes.
   *
   * @default {{}}
   */
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/**
 * How layers of one class are written as nodes: the part of a {@linkcode LayerInterchange} that a graph calls.
 *
 * @typeParam L The class.
 */
export interface OnnxLayer<L extends Layer = Layer> {
  /** The class. */
  readonly of: abstract new (...args: never) => L;
  /** Adds the layer's nodes to a graph; returns what it computes. Training's dropout is left out. */
  onnx?(layer: L, x: OnnxValue, graph: OnnxGraph): OnnxValue;
}

/** Where a part of a layer is written. */
export interface OnnxLayerOptions {
  /**
   * What stands before the names of its nodes and states, with a full stop: its index or another name within the layer.
   *
   * @default {nothing}
   */
  readonly name?: string;
  /**
   * Whether its state is carried from call to call: then it goes in and out, unless {@linkcode ToOnnxOptions.state} is false.
   *
   * @default {that of the layer around}
   */
  readonly carries?: boolean;
}

/** Arrays that a graph can hold as constants, by kind of element. */
export type OnnxConstant = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;

/** The pieces of a graph or of the body of a loop. */
interface Parts {
  readonly nodes: Encoded[];
  readonly constants: Encoded[];
  readonly inputs: Encoded[];
  readonly outputs: Encoded[];
}

/** Names of inputs and outputs, which constants and nodes leave to them. */
const RESERVED = /^(input|lengths|output|(state|next)\..*)$/;

/** The most bytes that a message of protocol buffers can have. */
const MOST_BYTES = 2 ** 31 - 1;

/** An error about a layer at a place in the model. */
function exportError(path: string, layer: Layer, problem: string): TypeError {
  return new TypeError(`Cannot export ${path.replace(/\.$/, " ")}${layer.constructor.name}: ${problem}`);
}

/** How a layer is written as nodes; throws a `TypeError` where that is not known. */
export function onnxEntryOf(
  layer: Layer,
  { path, layers }: { readonly path: string; readonly layers: readonly OnnxLayer[] },
): Required<OnnxLayer> {
  const found = layers.find(({ of, onnx }) => of === layer.constructor && onnx !== undefined);
  if (found !== undefined) return found as Required<OnnxLayer>;
  const problem = "its nodes must be known, by a LayerInterchange with onnx among the option layers";
  throw exportError(path, layer, problem);
}

function emptyParts(): Parts {
  return { nodes: [], constants: [], inputs: [], outputs: [] };
}

/**
 * A graph of ONNX's operators while {@linkcode toOnnx} writes it: what the hook of a layer, {@linkcode LayerInterchange},
 * adds its nodes to.
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
  /** Where nodes go: the graph, or the body of a loop in it. */
  #nodes = this.#graph.nodes;
  /** The layer that is written, and those around it: `1.0.`. */
  #path = "";
  /** What toOnnx was told of states; undefined where those go in and out that a layer carries. */
  readonly #state: boolean | undefined;
  /** Whether the layer that is written is one whose state another one carries. */
  #isCarried = false;
  /** The model's input. */
  readonly x: OnnxValue;
  /** Time steps of each sequence, integers [batch], where the model is told them. */
  readonly lengths: OnnxValue | undefined;

  /**
   * Starts a graph; programs call {@linkcode toOnnx}.
   *
   * @param model The model that will be written.
   * @param options What it takes, whether it is told lengths, whether states go in and out, and what is known of layers.
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
   * Writes a layer that is part of another one.
   *
   * @param layer The layer, whose hook is called.
   * @param x What it takes.
   * @throws {TypeError} If it has no hook, or that gives nothing.
   */
  layer(layer: Layer, x: OnnxValue, options: OnnxLayerOptions = {}): OnnxValue {
    return this.inside(options, () => {
      const entry = onnxEntryOf(layer, { path: this.#path, layers: this.#interchanges });
      const value: OnnxValue | undefined = entry.onnx(layer, x, this);
      if (typeof value?.name === "string" && Array.isArray(value.shape)) return value;
      throw this.error(layer, `its hook onnx must return a value of the graph, got ${JSON.stringify(value)}`);
    });
  }

  /** Writes what belongs to a part of a layer: its name stands before those of nodes and states. */
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

  /** Whether the layer that is written takes its state from an input of the model and gives it back. */
  get carriesState(): boolean {
    return this.#state ?? this.#isCarried;
  }

  /** The names of the layers around and of this one, each with a full stop: `1.`. */
  get path(): string {
    return this.#path;
  }

  /** An error about the layer that is written. */
  error(layer: Layer, problem: string): TypeError {
    return exportError(this.#path, layer, problem);
  }

  /**
   * Checks what comes into a layer.
   *
   * @param expected The kind of element, and the axes: a number must be met, a name may be of any length, and `"..."` before
   * the others stands for any axes.
   * @throws {TypeError} If the value is another.
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
   * @param inputs What it takes; undefined where an input is left out.
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
      const got = JSON.stringify(value);
      throw new TypeError(`Cannot export ${name}: its ${key} must be of integers, or { float: … }, got ${got}`);
    }
    this.#nodes.push(node(op, {
      name,
      inputs: inputs.map((input) => input?.name ?? ""),
      outputs: outputs.map((output) => output.name),
      attributes: options.attributes ?? {},
    }));
    return outputs;
  }

  /** The nodes of a loop's body, as the attribute that holds them. What is outside of it they may use too. */
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

  /** Adds a constant: floats, integers, or 64-bit integers, as ONNX wants shapes and indices. */
  constant(data: OnnxConstant, shape: readonly number[], name = "constant"): OnnxValue {
    if (data.length !== sizeOf(shape)) {
      const wanted = `${sizeOf(shape)} elements for its shape ${formatShape(shape)}`;
      throw new TypeError(`Cannot export ${this.#path}${name}: it must have ${wanted}, got ${data.length}`);
    }
    const dtype = data instanceof Float32Array ? "f32" : data instanceof Int32Array ? "i32" : "i64";
    return this.#constant(this.#unique(this.#path + name), shape, { dtype, data });
  }

  /** 64-bit integers, as ONNX wants shapes and axes; a single one that is no list is a scalar. */
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
   * A parameter of the model, as a constant by its name there, or one with a number after it where an input or output has that.
   * Asked for twice it is there once.
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
   * @throws {TypeError} If there is one of this name.
   */
  input(name: string, { shape, dtype = "f32" }: OnnxOutput): OnnxValue {
    this.#take(name);
    this.#graph.inputs.push(valueInfo(name, dtype, shape));
    return { name, shape, dtype };
  }

  /**
   * Makes a value an output of the model.
   *
   * @throws {TypeError} If there is one of this name.
   */
  output(name: string, { name: from, shape, dtype }: OnnxValue): void {
    this.#take(name);
    this.#graph.outputs.push(valueInfo(name, dtype, shape));
    this.#nodes.push(node("Identity", { name: `${name}.Identity`, inputs: [from], outputs: [name], attributes: {} }));
  }

  #take(name: string): void {
    if (this.#names.has(name)) throw new TypeError(`Cannot export: names must be unique, got ${name} twice`);
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

  /** The whole file; of the model's outputs this one comes first. */
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
