import { stretchedStrides } from "../_broadcast.ts";
import { copyStrided } from "../_copy_strided.ts";
import { defineOp } from "../define_op.ts";
import { formatShape, type Tensor } from "../tensor.ts";

function permute(x: Tensor, axes: readonly number[]): Tensor {
  const strides = stretchedStrides(x.shape, x.shape);
  return copyStrided(x, axes.map((axis) => x.shape[axis]!), axes.map((axis) => strides[axis]!));
}

/**
 * The axes in another order: axis i of the result is axis `axes[i]` of x.
 *
 * @param x The tensor.
 * @param axes All axes, in their new order; in reverse order by default.
 * @throws {TypeError} If `axes` does not name each axis once.
 *
 * @example
 * ```ts
 * import { transpose, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(transpose(tensor([[1, 2, 3], [4, 5, 6]])).toArray(), [[1, 4], [2, 5], [3, 6]]);
 * assert.deepEqual(transpose(tensor([[[1], [2]]]), [1, 0, 2]).shape, [2, 1, 1]);
 * ```
 */
export const transpose: (x: Tensor, axes?: readonly number[]) => Tensor = defineOp(
  "transpose",
  (x: Tensor, axes: readonly number[] = x.shape.map((_, axis) => x.shape.length - 1 - axis)) => {
    if (axes.length !== x.shape.length || !x.shape.every((_, axis) => axes.includes(axis))) {
      throw new TypeError(
        `Cannot transpose a tensor of shape ${formatShape(x.shape)}: axes must name each axis once, got ${
          formatShape(axes)
        }`,
      );
    }
    const back = axes.map((_, axis) => axes.indexOf(axis));
    return { inputs: [x], output: permute(x, axes), backward: (dy) => [permute(dy, back)] };
  },
);
