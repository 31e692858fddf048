import { kernels } from "../_kernels.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import type { Tensor } from "../tensor.ts";

function times(x: Tensor, factor: number): Tensor {
  const y = empty(x.shape);
  kernels.affine(x.offset, y.offset, x.size, factor, 0);
  return y;
}

/**
 * Product with a number, elementwise: y = factor·x, ∂y/∂x = factor.
 *
 * @example
 * ```ts
 * import { scale, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(scale(tensor([1, 2]), -3).toArray(), [-3, -6]);
 * ```
 */
export const scale: (x: Tensor, factor: number) => Tensor = defineOp("scale", (x: Tensor, factor: number) => ({
  inputs: [x],
  output: times(x, factor),
  backward: (dy) => [times(dy, factor)],
}));
