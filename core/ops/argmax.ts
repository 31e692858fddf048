import { resolveAxis } from "../_axes.ts";
import { argmaxAlong } from "../_argmax_along.ts";
import { Tensor } from "../tensor.ts";

/** Options for {@linkcode argmax}. */
export interface ArgmaxOptions {
  /**
   * The axis to search along; negative ones count from the last.
   *
   * @default {-1}
   */
  axis?: number;
}

/**
 * The index of the largest element along an axis, the first one of several; of the first NaN, if there is one. It has no
 * gradient.
 *
 * @returns Integers, x without the axis.
 * @throws {RangeError} If the axis lies outside x, or has length 0.
 *
 * @example
 * ```ts
 * import { argmax, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(argmax(tensor([[1, 5], [7, 3]])).toArray(), [1, 0]);
 * ```
 */
export function argmax(x: Tensor, options: ArgmaxOptions = {}): Tensor<"i32"> {
  const axis = resolveAxis("search", x.shape, options.axis ?? -1);
  const { indices } = argmaxAlong("search", x, axis);
  return new Tensor(x.shape.toSpliced(axis, 1), { dtype: "i32", offset: indices.offset, owner: indices.owner });
}
