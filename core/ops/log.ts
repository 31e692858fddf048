import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { unaryOp } from "./_unary.ts";

/**
 * Natural logarithm, elementwise: y = ln x, ∂y/∂x = 1/x. −∞ at 0, NaN below. The error is at most
 * 0.9 units in the last place of the exact value.
 *
 * @example
 * ```ts
 * import { log, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(log(tensor([1, 0])).toArray(), [0, -Infinity]);
 * ```
 */
export const log: (x: Tensor) => Tensor = unaryOp("log", kernels.log, kernels.logGradient, "input");
