import { broadcastShape, stretchedStrides } from "../_broadcast.ts";
import { copyStrided } from "../_copy_strided.ts";
import { kernels } from "../_kernels.ts";
import { reduceTo } from "../_reduce_to.ts";
import { sameShape } from "../_same_shape.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import type { Tensor } from "../tensor.ts";
import { zeros } from "../zeros.ts";

function select(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  const y = empty(a.shape);
  kernels.select(condition.offset, a.offset, b.offset, y.offset, y.size);
  return y;
}

/**
 * Chooses elementwise with broadcasting: y = a where the condition is not 0, else b. Gradients go to what was chosen; NaN in
 * what was not chosen does no harm.
 *
 * @param condition Integers, 0 for no.
 * @param a Taken where the condition is not 0.
 * @param b Taken where it is 0.
 * @throws {TypeError} If the shapes do not broadcast, or the condition holds no integers.
 *
 * @example
 * ```ts
 * import { tensor, where } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const condition = tensor([1, 0], { dtype: "i32" });
 * assert.deepEqual(where(condition, tensor([1, 2]), tensor(NaN)).toArray(), [1, NaN]);
 * ```
 */
export const where: (condition: Tensor<"i32">, a: Tensor, b: Tensor) => Tensor = defineOp(
  "where",
  (condition: Tensor<"i32">, a: Tensor, b: Tensor) => {
    if (condition.dtype !== "i32") {
      throw new TypeError(`Cannot choose: the condition must hold integers (dtype "i32"), got "${condition.dtype}"`);
    }
    const shape = broadcastShape("choose", broadcastShape("choose", condition.shape, a.shape), b.shape);
    const stretch = (x: Tensor): Tensor =>
      sameShape(x.shape, shape) ? x : copyStrided(x, shape, stretchedStrides(x.shape, shape));
    // Copying moves 32 bits at a time, whatever they mean.
    const chosen = stretch(condition as unknown as Tensor);
    return {
      inputs: [a, b],
      output: select(chosen, stretch(a), stretch(b)),
      backward: (dy) => {
        const none = zeros(shape);
        return [reduceTo(select(chosen, dy, none), a.shape), reduceTo(select(chosen, none, dy), b.shape)];
      },
    };
  },
);
