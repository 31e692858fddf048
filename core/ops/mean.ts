import { kernels } from "../_kernels.ts";
import { defineOp } from "../define_op.ts";
import { full } from "../full.ts";
import type { Tensor } from "../tensor.ts";

/**
 * Mean of all n elements: y = Σ xᵢ/n, ∂y/∂xᵢ = 1/n.
 *
 * @returns A scalar; NaN for an empty tensor, as in NumPy.
 *
 * @example
 * ```ts
 * import { mean, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.equal(mean(tensor([[1, 2], [3, 4]])).item(), 2.5);
 * ```
 */
export const mean: (x: Tensor) => Tensor = defineOp("mean", (x: Tensor) => ({
  inputs: [x],
  output: full([], kernels.sum(x.offset, x.size) / x.size),
  backward: (dy) => [full(x.shape, dy.item() / x.size)],
}));
