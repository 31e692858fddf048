import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { unaryOp } from "./_unary.ts";

/**
 * Smooth rectifier, elementwise: y = ln(1 + eˣ), ∂y/∂x = σ(x). The error is at most
 * 1.7 units in the last place of the exact value.
 *
 * @example
 * ```ts
 * import { softplus, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(softplus(tensor([100, -200])).toArray(), [100, 0]);
 * ```
 */
export const softplus: (x: Tensor) => Tensor = unaryOp("softplus", kernels.softplus, kernels.softplusGradient, "input");
