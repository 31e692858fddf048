import { kernels } from "../_kernels.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import type { Tensor } from "../tensor.ts";
import { multiply } from "./multiply.ts";

/**
 * Exponential, elementwise: y = eˣ, ∂y/∂x = y. The error is at most
 * 1.0 units in the last place of the exact value.
 *
 * @example
 * ```ts
 * import { exp, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(exp(tensor([0, -1000, 1000])).toArray(), [1, 0, Infinity]);
 * ```
 */
export const exp: (x: Tensor) => Tensor = defineOp("exp", (x: Tensor) => {
  const y = empty(x.shape);
  kernels.exp(x.offset, y.offset, x.size);
  return { inputs: [x], output: y, backward: (dy) => [multiply(dy, y)] };
});
