import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { unaryOp } from "./_unary.ts";

/**
 * Logistic function, elementwise: y = σ(x) = 1/(1 + e⁻ˣ), ∂y/∂x = y·(1 − y). The error is at most
 * 2.4 units in the last place of the exact value.
 *
 * @example
 * ```ts
 * import { sigmoid, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(sigmoid(tensor([0, 100])).toArray(), [0.5, 1]);
 * ```
 */
export const sigmoid: (x: Tensor) => Tensor = unaryOp("sigmoid", kernels.sigmoid, kernels.sigmoidGradient, "output");
