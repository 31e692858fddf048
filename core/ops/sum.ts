import { kernels } from "../_kernels.ts";
import { defineOp } from "../define_op.ts";
import { full } from "../full.ts";
import type { Tensor } from "../tensor.ts";

/**
 * Sum of all elements: y = Σ xᵢ, ∂y/∂xᵢ = 1.
 *
 * @returns A scalar.
 *
 * @example
 * ```ts
 * import { sum, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.equal(sum(tensor([[1, 2], [3, 4]])).item(), 10);
 * ```
 */
export const sum: (x: Tensor) => Tensor = defineOp("sum", (x: Tensor) => ({
  inputs: [x],
  output: full([], kernels.sum(x.offset, x.size)),
  backward: (dy) => [full(x.shape, dy.item())],
}));
