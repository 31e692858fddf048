import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { unaryOp } from "./_unary.ts";

/**
 * Hyperbolic tangent, elementwise: y = tanh(x), ∂y/∂x = 1 − y². The error is at most
 * 1.3 units in the last place of the exact value.
 *
 * @example
 * ```ts
 * import { tanh, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(tanh(tensor([0, 100, -100])).toArray(), [0, 1, -1]);
 * ```
 */
export const tanh: (x: Tensor) => Tensor = unaryOp("tanh", kernels.tanh, kernels.tanhGradient, "output");
