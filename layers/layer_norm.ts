import { formatShape, type NamedParameters, Parameter, type Tensor } from "@unfold/core";
import { checkSize } from "./_check.ts";
import { constant } from "./constant.ts";
import { layerNorm } from "./_layer_norm.ts";
import type { Layer } from "./layer.ts";

/** Options for {@linkcode LayerNorm}. */
export interface LayerNormOptions {
  /** Features of the input and the output. */
  size: number;
  /**
   * Added to the variance, ε, so that it is not 0.
   *
   * @default {1e-5}
   */
  eps?: number;
}

/**
 * Layer normalisation over the last axis: y = g ⊙ (x − mean)/√(variance + ε) + b (Ba et al., 2016). g starts at 1, b at 0.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { LayerNorm } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const [low, high] = new LayerNorm({ size: 2 }).forward(tensor([[1, 3]])).data;
 * assert.ok(Math.abs(low! + 1) < 1e-4 && Math.abs(high! - 1) < 1e-4);
 * ```
 */
export class LayerNorm implements Layer {
  /** g, [size]. */
  readonly weight: Parameter;
  /** b, [size]. */
  readonly bias: Parameter;
  /** ε. */
  readonly eps: number;

  /**
   * Makes the layer.
   *
   * @throws {RangeError} If the size is no integer of 1 or more, or ε is not above 0.
   */
  constructor({ size, eps = 1e-5 }: LayerNormOptions) {
    checkSize("LayerNorm", "size", size);
    if (!(eps > 0 && eps < Infinity)) throw new RangeError(`Cannot make LayerNorm: eps must be above 0, got ${eps}`);
    this.weight = new Parameter([size], constant(1));
    this.bias = new Parameter([size]);
    this.eps = eps;
  }

  /** `weight` and `bias`. */
  parameters(): NamedParameters {
    return { weight: this.weight, bias: this.bias };
  }

  /**
   * Normalises each row.
   *
   * @param x [..., size].
   * @throws {TypeError} If the last axis has another length.
   */
  forward(x: Tensor): Tensor {
    if (x.shape.at(-1) !== this.weight.size) {
      throw new TypeError(
        `Cannot run LayerNorm: x must have shape [..., size = ${this.weight.size}], got ${formatShape(x.shape)}`,
      );
    }
    return layerNorm(x, this.weight, this.bias, this.eps);
  }
}
