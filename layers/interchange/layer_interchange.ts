import type { Shape } from "@unfold/core";
import type { Layer } from "../layer.ts";
import type { OnnxLayer, OnnxOutput } from "./onnx/graph.ts";

/** The elements of tensors by name, in row-major order. */
export type NamedArrays = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

/** Maps the weights of another framework's module, such as an `nn.LSTM`, to ours and back. */
export interface ForeignModule {
  /** The shapes of its tensors by their names in the module, such as `weight_ih_l0`. */
  readonly shapes: Readonly<Record<string, Shape>>;
  /** Converts its tensors to our parameters, by their names in our layer. */
  read(theirs: NamedArrays): NamedArrays;
  /** Converts our parameters to its tensors. */
  write(ours: NamedArrays): NamedArrays;
}

/** A Keras layer. */
export interface KerasModule extends ForeignModule {
  /** Its default name in Keras: `lstm`. Keras calls the second one `lstm_1`. */
  readonly name: string;
}

/**
 * How to exchange the layers of one class: as ONNX nodes, and as weights of other frameworks. Write one for each of your own layer
 * classes and pass it to {@linkcode toOnnx}, {@linkcode fromPyTorch}, {@linkcode toPyTorch}, {@linkcode fromKeras} or
 * {@linkcode toKeras}. Unfold's layers have entries of the same form. Hooks are optional: a missing one is an error only when it
 * is needed.
 *
 * @typeParam L The class. A subclass needs a separate entry, since it may compute something else.
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
   * The layers inside, each with the prefix of its parameters' names: `"0"` for `0.weight`, `""` for none. If `pytorch` or `keras`
   * is omitted, these layers are mapped instead.
   */
  inner?(layer: L): Iterable<readonly [name: string, layer: Layer]>;
  /**
   * The input that the layer takes as the first in a model. Defaults to that of the first layer inside. If no layer determines
   * it, pass it to {@linkcode toOnnx}.
   */
  input?(layer: L): OnnxOutput;
  /** PyTorch's module with the same weights, or the reason why there is none. */
  pytorch?(layer: L): ForeignModule | string;
  /** Keras's layers with the same weights, one per stacked layer, or the reason why there are none. */
  keras?(layer: L): readonly KerasModule[] | string;
}
