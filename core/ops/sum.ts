import { reducedShapes, type ReduceOptions } from "../_axes.ts";
import { stretchedStrides } from "../_broadcast.ts";
import { copyStrided } from "../_copy_strided.ts";
import { kernels } from "../_kernels.ts";
import { reduceTo } from "../_reduce_to.ts";
import { viewAs } from "../_view_as.ts";
import { defineOp } from "../define_op.ts";
import { full } from "../full.ts";
import { type Shape, sizeOf, type Tensor } from "../tensor.ts";

/** A new tensor, also where there is nothing to sum. */
function sumTo(x: Tensor, kept: Shape): Tensor {
  const y = reduceTo(x, kept);
  return y === x ? copyStrided(x, kept, stretchedStrides(kept, kept)) : y;
}

/**
 * Sum over all elements, or along axes: y = Σ x, ∂y/∂x = 1.
 *
 * @returns A scalar, or x without the axes.
 * @throws {RangeError} If an axis lies outside x.
 *
 * @example
 * ```ts
 * import { sum, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[1, 2], [3, 4]]);
 * assert.equal(sum(x).item(), 10);
 * assert.deepEqual(sum(x, { axis: 0 }).toArray(), [4, 6]);
 * assert.deepEqual(sum(x, { axis: 1, keepDims: true }).toArray(), [[3], [7]]);
 * ```
 */
export const sum: (x: Tensor, options?: ReduceOptions) => Tensor = defineOp(
  "sum",
  (x: Tensor, options: ReduceOptions = {}) => {
    const { kept, result } = reducedShapes("sum", x.shape, options);
    return {
      inputs: [x],
      output: sizeOf(kept) === 1 ? full(result, kernels.sum(x.offset, x.size)) : viewAs(sumTo(x, kept), result),
      backward: (dy) => [copyStrided(dy, x.shape, stretchedStrides(kept, x.shape))],
    };
  },
);
