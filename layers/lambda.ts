import {
  abs,
  type DType,
  exp,
  gelu,
  log,
  logSoftmax,
  type NamedParameters,
  negate,
  relu,
  sigmoid,
  softmax,
  softplus,
  sqrt,
  tanh,
  type Tensor,
} from "@unfold/core";
import { architectureFor } from "./_architecture.ts";
import type { ForwardOptions, Layer, LayerArchitecture } from "./layer.ts";

/** The functions that a file can name. */
export const ACTIVATIONS: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  abs,
  exp,
  gelu,
  log,
  logSoftmax,
  negate,
  relu,
  sigmoid,
  softmax,
  softplus,
  sqrt,
  tanh,
};

/**
 * A function without parameters as a layer: an activation, a reshape, a pooling over time.
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
 *
 * @example A function that looks at the lengths
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Lambda } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const layer = new Lambda((_, { lengths }) => tensor([...lengths ?? []]));
 * assert.deepEqual(layer.forward(tensor([[1, 2, 0]]), { lengths: [2] }).toArray(), [2]);
 * ```
 */
export class Lambda implements Layer {
  /** The function. */
  readonly f: (x: Tensor, options: ForwardOptions) => Tensor;

  /**
   * Creates a layer from a function that takes a tensor and the options of `forward`.
   *
   * @param f The function; `lengths` of its options are the time steps of each padded sequence.
   */
  constructor(f: (x: Tensor, options: ForwardOptions) => Tensor);
  /**
   * Creates a layer from a function of one tensor.
   *
   * @param f The function, such as `relu`.
   */
  constructor(f: (x: Tensor) => Tensor);
  constructor(f: (x: Tensor, options: ForwardOptions) => Tensor) {
    this.f = f;
  }

  /** None. */
  parameters(): NamedParameters {
    return {};
  }

  /** f(x), or f(x, { lengths }). */
  forward(x: Tensor<DType>, options?: ForwardOptions): Tensor {
    return this.f(x as Tensor, options ?? {});
  }

  /**
   * The name of the function.
   *
   * @throws {TypeError} If it is not one of core's activations.
   */
  architecture(): LayerArchitecture {
    const name = Object.keys(ACTIVATIONS).find((key) => ACTIVATIONS[key] === this.f);
    if (name === undefined) {
      throw new TypeError(
        "Cannot describe Lambda: its function must be one of @unfold/core's activations, such as relu, since a file cannot hold " +
          "code; for any other, write a class with an architecture() method",
      );
    }
    return architectureFor(this, Lambda, { type: "Lambda", function: name });
  }
}
