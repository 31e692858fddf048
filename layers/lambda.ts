import type { DType, NamedParameters, Tensor } from "@unfold/core";
import type { Layer } from "./layer.ts";

/**
 * A function without parameters as a layer: an activation, a reshape.
 *
 * @example
 * ```ts
 * import { relu, tensor } from "@unfold/core";
 * import { Dense, Lambda, Sequential } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const model = new Sequential([new Lambda(relu), new Dense({ inputSize: 2, outputSize: 1, bias: false })]);
 * (model.layers[1] as Dense).weight.data.fill(1);
 * assert.deepEqual(model.forward(tensor([[-1, 2]])).toArray(), [[2]]);
 * ```
 */
export class Lambda implements Layer {
  /** The function. */
  readonly f: (x: Tensor) => Tensor;

  /**
   * Creates a layer from a function.
   *
   * @param f A function of one tensor, such as `relu`.
   */
  constructor(f: (x: Tensor) => Tensor) {
    this.f = f;
  }

  /** None. */
  parameters(): NamedParameters {
    return {};
  }

  /** f(x). */
  forward(x: Tensor<DType>): Tensor {
    return this.f(x as Tensor);
  }
}
