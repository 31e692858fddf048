import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { type AxisOptions, rowsOp } from "./_rows.ts";

/**
 * Softmax along an axis: yᵢ = e^xᵢ/Σ e^xⱼ, ∂L/∂xᵢ = yᵢ·(∂L/∂yᵢ − Σ yⱼ·∂L/∂yⱼ). Large values do not overflow.
 *
 * @throws {RangeError} If the axis lies outside x.
 *
 * @example
 * ```ts
 * import { softmax, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(softmax(tensor([1e4, 1e4])).toArray(), [0.5, 0.5]);
 * ```
 */
export const softmax: (x: Tensor, options?: AxisOptions) => Tensor = rowsOp(
  "softmax",
  kernels.softmax,
  kernels.softmaxGradient,
);
