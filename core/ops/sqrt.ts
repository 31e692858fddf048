import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { unaryOp } from "./_unary.ts";

/**
 * Square root, elementwise: y = √x, ∂y/∂x = 1/(2y). NaN below 0.
 *
 * @example
 * ```ts
 * import { sqrt, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(sqrt(tensor([4, 9])).toArray(), [2, 3]);
 * ```
 */
export const sqrt: (x: Tensor) => Tensor = unaryOp("sqrt", kernels.sqrt, kernels.sqrtGradient, "output");
