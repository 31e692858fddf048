import { printable, quoted } from "@unfold/core/support";
import type { Layer } from "../../layer.ts";
import { entriesFor } from "../_built_in.ts";
import type { LayerInterchange } from "../layer_interchange.ts";
import { onnxEntryOf, OnnxGraph, type OnnxOutput, type OnnxShape } from "./graph.ts";

/** Options for {@linkcode toOnnx}. */
export interface ToOnnxOptions {
  /**
   * The lengths of the input's axes, batch first. A string names an axis of any length: `["batch", "time", 8]`.
   *
   * @default {from the first layer: ["batch", "time", inputSize] for a recurrent layer, ["batch", "time"] for Embedding, ["batch", inputSize] for Dense, ["batch", size] for LayerNorm}
   */
  inputShape?: OnnxShape;
  /**
   * The element type of the input: integers for tokens.
   *
   * @default {from the first layer, else "f32"}
   */
  dtype?: "f32" | "i32";
  /**
   * Whether to add an input `lengths` with the time steps of each sequence, 32-bit integers [batch].
   *
   * @default {false}
   */
  lengths?: boolean;
  /**
   * Whether recurrent layers take their state as an input and return it, so that a sequence can be processed in chunks. A layer
   * with index 1 has inputs `state.1.hidden`, outputs `next.1.hidden`, and so on, each [batch, parts·hiddenSize]. Start with zeros.
   *
   * @default {only those in a CarriedState}
   */
  state?: boolean;
  /**
   * Strings by key to store with the model, such as a vocabulary or a scaler as JSON.
   *
   * @default {{}}
   */
  metadata?: Readonly<Record<string, string>>;
  /**
   * Entries for your own layer classes, or to replace ours: the first entry for a class counts.
   *
   * @default {[]}
   */
  layers?: readonly LayerInterchange[];
}

/**
 * Exports a model as an ONNX file (opset 17), which ONNX Runtime and other programs run in Python, Node, browsers and elsewhere.
 * Its input is called `input`, its output `output`; batch and time can have any length. It computes {@linkcode Layer.forward}
 * without dropout.
 *
 * All of Unfold's layers can be exported except a {@linkcode Lambda} whose function is not one of core's activations. For that, for
 * a {@linkcode Recurrent} with your own cell and for your own layers, pass a {@linkcode LayerInterchange}.
 *
 * @param model A `Sequential`, or a single layer.
 * @returns The contents of the file.
 * @throws {TypeError} If a layer has no entry, its input shape does not match the layer before, or the input shape is not known.
 * @throws {RangeError} If an option has an invalid value, or the file would have 2 GiB or more.
 *
 * @example
 * ```ts
 * import { Dense, LastStep, LSTM, Sequential } from "@unfold/layers";
 * import { toOnnx } from "@unfold/layers/interchange";
 * import assert from "node:assert/strict";
 *
 * const model = new Sequential([
 *   new LSTM({ inputSize: 8, hiddenSize: 64 }),
 *   new LastStep(),
 *   new Dense({ inputSize: 64, outputSize: 1 }),
 * ]);
 * const file = toOnnx(model, { metadata: { task: "forecast" } });
 * assert.ok(file.length > 4 * 18_753);
 * ```
 */
export function toOnnx(model: Layer, options?: ToOnnxOptions): Uint8Array<ArrayBuffer> {
  const layers = entriesFor(model, options?.layers, "export");
  const taken = inputOf(model, layers);
  const shape = options?.inputShape ?? taken?.shape;
  const dtype = options?.dtype ?? taken?.dtype ?? "f32";
  if (shape === undefined) {
    throw new TypeError("Cannot export: inputShape must be given, since the first layer does not determine it");
  }
  if (dtype !== "f32" && dtype !== "i32") {
    throw new RangeError(`Cannot export: dtype must be "f32" or "i32", got ${quoted(dtype)}`);
  }
  const isLength = (length: number | string) =>
    typeof length === "string" ? length !== "" && length !== "..." : Number.isInteger(length) && length >= 1;
  if (shape.length === 0 || !shape.every(isLength)) {
    throw new RangeError(
      `Cannot export: inputShape must consist of names and positive integers, got ${
        printable(`[${shape.join(", ")}]`)
      }`,
    );
  }
  const { lengths = false, state, metadata = {} } = options ?? {};
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === "string") continue;
    throw new TypeError(`Cannot export: metadata values must be strings, got ${quoted(value)} for ${printable(key)}`);
  }
  const graph = new OnnxGraph(model, { x: { shape, dtype }, lengths, state, layers });
  return graph.encode(graph.layer(model, graph.x), metadata);
}

/** The input that a layer takes, if known. */
function inputOf(layer: Layer, layers: readonly LayerInterchange[], path = ""): OnnxOutput | undefined {
  onnxEntryOf(layer, { path, layers });
  const known = layers.filter(({ of }) => of === layer.constructor);
  const own = known.find(({ input }) => input !== undefined)?.input?.(layer);
  const [first] = known.find(({ inner }) => inner !== undefined)?.inner?.(layer) ?? [];
  if (own !== undefined || first === undefined) return own;
  const [name, part] = first;
  return inputOf(part, layers, name === "" ? path : `${path}${name}.`);
}
