import type { Shape } from "@unfold/core";
import type { Layer } from "../layer.ts";
import type { OnnxGraph, OnnxOutput, OnnxValue } from "./onnx_graph.ts";

/** The numbers of tensors by name, in row-major order. */
export type NamedArrays = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

/** How another framework holds the weights of a layer. */
export interface ForeignWeights {
  /** Its tensors' shapes by their names within the layer, such as `weight_ih_l0`. */
  readonly shapes: Readonly<Record<string, Shape>>;
  /** From its tensors to our parameters, by our names. */
  read(theirs: NamedArrays): NamedArrays;
  /** From our parameters to its tensors, by its names. */
  write(ours: NamedArrays): NamedArrays;
}

/**
 * What is known of the layers of one class: how they are written as ONNX and how other frameworks hold their weights. It is the
 * hook by which layers of your own become known to {@linkcode toOnnx}, {@linkcode fromPyTorch}, {@linkcode toPyTorch},
 * {@linkcode fromKeras} and {@linkcode toKeras}; those of Unfold have theirs in the same form. What is left out is refused by name
 * where it is asked for.
 *
 * @typeParam L The class. Classes that extend it need an entry of their own, for they may compute something else.
 *
 * @example A layer that multiplies
 * ```ts
 * import { multiply, type NamedParameters, Parameter, type Tensor } from "@unfold/core";
 * import { type Layer, Sequential } from "@unfold/layers";
 * import { type LayerInterchange, toOnnx } from "@unfold/layers/interchange";
 * import assert from "node:assert/strict";
 *
 * class Scale implements Layer {
 *   readonly factor = new Parameter([1], (data) => data.fill(2));
 *   parameters(): NamedParameters {
 *     return { factor: this.factor };
 *   }
 *   forward(x: Tensor): Tensor {
 *     return multiply(x, this.factor);
 *   }
 * }
 *
 * const scale: LayerInterchange<Scale> = {
 *   of: Scale,
 *   onnx: (layer, x, graph) => graph.node("Mul", [x, graph.parameter(layer.factor)], { shape: x.shape }),
 * };
 * const file = toOnnx(new Sequential([new Scale()]), { inputShape: ["batch", 3], layers: [scale] });
 * assert.ok(file.length > 0);
 * ```
 */
export interface LayerInterchange<L extends Layer = Layer> {
  /** The class. */
  readonly of: abstract new (...args: never) => L;
  /**
   * What the layer takes where it comes first; without it {@linkcode toOnnx} has to be told.
   *
   * @param inputOf Tells it of another layer, such as one inside.
   */
  input?(layer: L, inputOf: (layer: Layer) => OnnxOutput | undefined): OnnxOutput | undefined;
  /** Adds the layer's nodes to a graph; returns what it computes. Training's dropout is left out. */
  onnx?(layer: L, x: OnnxValue, graph: OnnxGraph): OnnxValue;
  /** How PyTorch holds the weights. */
  pytorch?(layer: L): ForeignWeights;
  /** How Keras holds the weights. */
  keras?(layer: L): ForeignWeights;
}
