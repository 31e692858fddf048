import { checkShape } from "../_check_shape.ts";
import { viewAs } from "../_view_as.ts";
import { defineOp } from "../define_op.ts";
import { formatShape, type Shape, sizeOf, type Tensor } from "../tensor.ts";

/**
 * The same elements, in the same order and the same memory, under another shape.
 *
 * @param x The tensor.
 * @param shape The new lengths of the axes, of the same product.
 * @throws {RangeError} If a length is no integer of 0 or more.
 * @throws {TypeError} If the number of elements differs.
 *
 * @example
 * ```ts
 * import { reshape, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(reshape(tensor([1, 2, 3, 4]), [2, 2]).toArray(), [[1, 2], [3, 4]]);
 * ```
 */
export const reshape: (x: Tensor, shape: Shape) => Tensor = defineOp("reshape", (x: Tensor, shape: Shape) => {
  checkShape("reshape", shape);
  if (sizeOf(shape) !== x.size) {
    throw new TypeError(
      `Cannot reshape ${formatShape(x.shape)} to ${formatShape(shape)}: it must have ${x.size} elements, got ${
        sizeOf(shape)
      }`,
    );
  }
  return { inputs: [x], output: viewAs(x, shape), backward: (dy) => [viewAs(dy, x.shape)] };
});
