import { kernels } from "../_kernels.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import type { Tensor } from "../tensor.ts";

/** Bounds for {@linkcode clamp}. */
export interface ClampBounds {
  /**
   * The least value.
   *
   * @default {-Infinity}
   */
  min?: number;
  /**
   * The largest value.
   *
   * @default {Infinity}
   */
  max?: number;
}

/**
 * Holds values within bounds, elementwise: y = min(max(x, min), max), ∂y/∂x = 1 within the bounds, else 0.
 *
 * @throws {RangeError} If a bound is NaN or the least value is above the largest.
 *
 * @example
 * ```ts
 * import { clamp, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(clamp(tensor([-5, 0.5, 5]), { min: 0, max: 1 }).toArray(), [0, 0.5, 1]);
 * ```
 */
export const clamp: (x: Tensor, bounds: ClampBounds) => Tensor = defineOp("clamp", (x: Tensor, bounds: ClampBounds) => {
  const { min = -Infinity, max = Infinity } = bounds;
  if (!(min <= max)) throw new RangeError(`Cannot clamp: min must not be above max, got ${min} and ${max}`);
  const y = empty(x.shape);
  kernels.clamp(x.offset, y.offset, x.size, min, max);
  return {
    inputs: [x],
    output: y,
    backward: (dy) => {
      const dx = empty(x.shape);
      kernels.clampGradient(x.offset, dy.offset, dx.offset, x.size, min, max);
      return [dx];
    },
  };
});
