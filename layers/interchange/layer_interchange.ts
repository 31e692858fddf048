import type { Shape } from "@unfold/core";
import type { Layer } from "../layer.ts";
import type { OnnxLayer, OnnxOutput } from "./onnx/graph.ts";

/** The numbers of tensors by name, in row-major order. */
export type NamedArrays = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

/** How a module of another framework, such as an `nn.LSTM`, holds weights that are ours in another form. */
export interface ForeignModule {
  /** Its tensors' shapes by their names within the module, such as `weight_ih_l0`. */
  readonly shapes: Readonly<Record<string, Shape>>;
  /** From its tensors to our parameters, by their names within our layer. */
  read(theirs: NamedArrays): NamedArrays;
  /** From our parameters to its tensors. */
  write(ours: NamedArrays): NamedArrays;
}

/** A layer of Keras's. */
export interface KerasModule extends ForeignModule {
  /** What Keras calls it unless told otherwise: `lstm`, of which a second one is `lstm_1`. */
  readonly name: string;
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
export interface LayerInterchange<L extends Layer = Layer> extends OnnxLayer<L> {
  /**
   * The layers inside, by what stands before the names of their parameters, with a full stop: `"0"` for `0.weight`, `""` where
   * nothing does. Where `pytorch` or `keras` is left out, it is that of these.
   */
  inner?(layer: L): Iterable<readonly [name: string, layer: Layer]>;
  /**
   * What the layer takes where it comes first in a model; left out it is what the first of the layers inside takes. Where none
   * tells, {@linkcode toOnnx} has to be told.
   */
  input?(layer: L): OnnxOutput;
  /** PyTorch's module of the same weights, or what is in the way of one. */
  pytorch?(layer: L): ForeignModule | string;
  /** Keras's layers of the same weights, one for each of stacked ones, or what is in the way of them. */
  keras?(layer: L): readonly KerasModule[] | string;
}
