import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { unaryOp } from "./_unary.ts";

/**
 * Rectifier, elementwise: y = max(x, 0), ∂y/∂x = 1 above 0, else 0. (Nair and Hinton, 2010)
 *
 * @example
 * ```ts
 * import { relu, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(relu(tensor([-1, 2])).toArray(), [0, 2]);
 * ```
 */
export const relu: (x: Tensor) => Tensor = unaryOp("relu", kernels.relu, kernels.reluGradient, "input");
