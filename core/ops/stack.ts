import { resolveAxis } from "../_axes.ts";
import type { Tensor } from "../tensor.ts";
import { concat } from "./concat.ts";
import { reshape } from "./reshape.ts";

/** Options for {@linkcode stack}. */
export interface StackOptions {
  /**
   * Where the new axis stands in the result; negative ones count from the last.
   *
   * @default {0}
   */
  axis?: number;
}

/**
 * Joins tensors of one shape along a new axis.
 *
 * @throws {TypeError} If there are none, or the shapes differ.
 * @throws {RangeError} If the axis lies outside the result.
 *
 * @example
 * ```ts
 * import { stack, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(stack([tensor([1, 2]), tensor([3, 4])]).toArray(), [[1, 2], [3, 4]]);
 * assert.deepEqual(stack([tensor([1, 2]), tensor([3, 4])], { axis: 1 }).toArray(), [[1, 3], [2, 4]]);
 * ```
 */
export function stack(tensors: readonly Tensor[], options: StackOptions = {}): Tensor {
  const { axis = 0 } = options;
  const widened = tensors.map((x) => {
    const at = resolveAxis("stack", [...x.shape, 1], axis);
    return reshape(x, x.shape.toSpliced(at, 0, 1));
  });
  return concat(widened, { axis });
}
