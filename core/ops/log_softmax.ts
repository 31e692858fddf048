import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { type AxisOptions, rowsOp } from "./_rows.ts";

/**
 * Logarithm of the softmax along an axis: yᵢ = xᵢ − ln Σ e^xⱼ, ∂L/∂xᵢ = ∂L/∂yᵢ − e^yᵢ·Σ ∂L/∂yⱼ. Large values do not overflow,
 * small probabilities do not become −∞.
 *
 * @throws {RangeError} If the axis lies outside x.
 *
 * @example
 * ```ts
 * import { logSoftmax, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(logSoftmax(tensor([0, -1e4])).toArray(), [0, -1e4]);
 * ```
 */
export const logSoftmax: (x: Tensor, options?: AxisOptions) => Tensor = rowsOp(
  "logSoftmax",
  kernels.logSoftmax,
  kernels.logSoftmaxGradient,
);
