import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { unaryOp } from "./_unary.ts";

/**
 * Magnitude, elementwise: y = |x|, ∂y/∂x = sign(x), 0 at 0.
 *
 * @example
 * ```ts
 * import { abs, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(abs(tensor([-1, 2])).toArray(), [1, 2]);
 * ```
 */
export const abs: (x: Tensor) => Tensor = unaryOp("abs", kernels.abs, kernels.absGradient, "input");
