import type { Layer } from "../../layer.ts";
import { BUILT_IN } from "../_built_in.ts";
import type { LayerInterchange } from "../layer_interchange.ts";
import { onnxEntryOf, OnnxGraph, type OnnxOutput, type OnnxShape } from "./graph.ts";

/** Options for {@linkcode toOnnx}. */
export interface ToOnnxOptions {
  /**
   * Lengths of the input's axes; a text names one that is left open: `["batch", "time", 8]`. The first is that of the batch.
   *
   * @default {what the first layer takes: of a recurrent layer ["batch", "time", inputSize], of Embedding ["batch", "time"], of Dense ["batch", inputSize], of LayerNorm ["batch", size]}
   */
  inputShape?: OnnxShape;
  /**
   * The kind of the input's elements: integers for tokens.
   *
   * @default {what the first layer takes, else "f32"}
   */
  dtype?: "f32" | "i32";
  /**
   * Whether there is an input `lengths`, 32-bit integers [batch], of how many time steps each sequence has.
   *
   * @default {false}
   */
  lengths?: boolean;
  /**
   * Whether recurrent layers take their state and give it back, so that a sequence can come in pieces: for a layer with index 1
   * inputs `state.1.hidden`, outputs `next.1.hidden`, and so on, each [batch, parts·hiddenSize]. The first state is zeros.
   *
   * @default {those in a CarriedState do}
   */
  state?: boolean;
  /**
   * Text by key that goes with the model, such as a vocabulary or a scaler as JSON.
   *
   * @default {{}}
   */
  metadata?: Readonly<Record<string, string>>;
  /**
   * What is known of layers of your own, or of ours other than as we have it: where two entries are of one class the first counts.
   *
   * @default {[]}
   */
  layers?: readonly LayerInterchange[];
}

/**
 * A model as an ONNX file (opset 17), which ONNX Runtime and others run, in Python, Node, browsers and elsewhere. Its input is
 * `input`, its output `output`; batch and time are open. It computes what {@linkcode Layer.forward} does under `noGrad`: dropout
 * does nothing.
 *
 * All of Unfold's layers are known but {@linkcode Lambda} of a function that is not one of core's activations, and
 * {@linkcode Recurrent} with a cell of your own; those and layers of your own become so by a {@linkcode LayerInterchange}.
 *
 * @param model A `Sequential`, or a layer alone.
 * @returns The file.
 * @throws {TypeError} If a layer is not known, takes another shape than the one before gives, or the input's shape cannot be told.
 * @throws {RangeError} If an option has another value than it may, or the file would have 2 GiB or more.
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
export function toOnnx(model: Layer, options: ToOnnxOptions = {}): Uint8Array<ArrayBuffer> {
  const layers = [...options.layers ?? [], ...BUILT_IN];
  const taken = inputOf(model, layers);
  const shape = options.inputShape ?? taken?.shape;
  const dtype = options.dtype ?? taken?.dtype ?? "f32";
  if (shape === undefined) {
    throw new TypeError("Cannot export: inputShape must be given, for the first layer does not tell it");
  }
  if (dtype !== "f32" && dtype !== "i32") {
    throw new RangeError(`Cannot export: dtype must be "f32" or "i32", got ${JSON.stringify(dtype)}`);
  }
  const isLength = (length: number | string) =>
    typeof length === "string" ? length !== "" && length !== "..." : Number.isInteger(length) && length >= 1;
  if (shape.length === 0 || !shape.every(isLength)) {
    throw new RangeError(
      `Cannot export: inputShape must be of names and integers of 1 or more, got [${shape.join(", ")}]`,
    );
  }
  const { lengths = false, state, metadata = {} } = options;
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === "string") continue;
    throw new TypeError(`Cannot export: metadata must be text by key, got ${JSON.stringify(value)} for ${key}`);
  }
  const graph = new OnnxGraph(model, { x: { shape, dtype }, lengths, state, layers });
  return graph.encode(graph.layer(model, graph.x), metadata);
}

/** What a layer takes, if that is known. */
function inputOf(layer: Layer, layers: readonly LayerInterchange[], path = ""): OnnxOutput | undefined {
  onnxEntryOf(layer, { path, layers });
  const known = layers.filter(({ of }) => of === layer.constructor);
  const told = known.find(({ input }) => input !== undefined)?.input?.(layer);
  const [first] = known.find(({ inner }) => inner !== undefined)?.inner?.(layer) ?? [];
  if (told !== undefined || first === undefined) return told;
  const [name, part] = first;
  return inputOf(part, layers, name === "" ? path : `${path}${name}.`);
}
