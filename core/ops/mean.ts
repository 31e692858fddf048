import { reducedShapes, type ReduceOptions } from "../_axes.ts";
import { sizeOf, type Tensor } from "../tensor.ts";
import { scale } from "./scale.ts";
import { sum } from "./sum.ts";

/**
 * Mean over all elements, or along axes: y = Σ x/n, ∂y/∂x = 1/n, for the n elements that each result comes from.
 *
 * @returns A scalar, or x without the axes; NaN for n = 0, as in NumPy.
 * @throws {RangeError} If an axis lies outside x.
 *
 * @example
 * ```ts
 * import { mean, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[1, 2], [3, 4]]);
 * assert.equal(mean(x).item(), 2.5);
 * assert.deepEqual(mean(x, { axis: 0 }).toArray(), [2, 3]);
 * ```
 */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { result } = reducedShapes("take the mean of", x.shape, options);
  return scale(sum(x, options), sizeOf(result) / x.size);
}
