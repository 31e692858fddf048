import { reducedShapes, type ReduceOptions, resolveAxis } from "../_axes.ts";
import { argmaxAlong } from "../_argmax_along.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import type { Tensor } from "../tensor.ts";
import { zeros } from "../zeros.ts";

/** Options for {@linkcode max}. */
export interface MaxOptions extends ReduceOptions {
  /**
   * The axis to take the maximum along; negative ones count from the last.
   *
   * @default {all axes}
   */
  axis?: number;
}

/**
 * The largest element, or the largest along an axis. The gradient goes to the first of the largest. NaN where there is one.
 *
 * @returns A scalar, or x without the axis.
 * @throws {RangeError} If the axis lies outside x, or has length 0.
 *
 * @example
 * ```ts
 * import { max, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[1, 5], [7, 3]]);
 * assert.equal(max(x).item(), 7);
 * assert.deepEqual(max(x, { axis: 1 }).toArray(), [5, 7]);
 * ```
 */
export const max: (x: Tensor, options?: MaxOptions) => Tensor = defineOp(
  "max",
  (x: Tensor, options: MaxOptions = {}) => {
    const { result } = reducedShapes("take the maximum of", x.shape, options);
    const axis = options.axis === undefined ? undefined : resolveAxis("take the maximum of", x.shape, options.axis);
    const { indices, position } = argmaxAlong("take the maximum of", x, axis);
    const y = empty(result);
    const [from, to, places] = [x.data, y.data, indices.data];
    for (let line = 0; line < to.length; line++) to[line] = from[position(line, places[line]!)]!;
    return {
      inputs: [x],
      output: y,
      backward: (dy) => {
        const dx = zeros(x.shape);
        const [from, to, places] = [dy.data, dx.data, indices.data];
        for (let line = 0; line < from.length; line++) to[position(line, places[line]!)] = from[line]!;
        return [dx];
      },
    };
  },
);
