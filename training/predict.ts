import { type DType, keep, noGrad, scope, type Tensor } from "@unfold/core";
import type { Layer } from "@unfold/layers";

/**
 * Runs a model without recording gradients, and releases everything but its output.
 *
 * @param model The model.
 * @param x The input.
 * @returns The output. It lives until it is disposed of or garbage-collected.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense } from "@unfold/layers";
 * import { predict } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * model.weight.data[0] = 3;
 * assert.deepEqual(predict(model, tensor([[2]])).toArray(), [[6]]);
 * ```
 */
export function predict(model: Layer, x: Tensor<DType>): Tensor {
  using _ = scope();
  return keep(noGrad(() => model.forward(x)));
}
