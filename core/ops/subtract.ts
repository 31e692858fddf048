import { kernels } from "../_kernels.ts";
import { reduceTo } from "../_reduce_to.ts";
import { defineOp } from "../define_op.ts";
import type { Tensor } from "../tensor.ts";
import { applyBinary } from "./_binary.ts";
import { scale } from "./scale.ts";

/**
 * Difference, elementwise with broadcasting: y = a − b, ∂y/∂a = 1, ∂y/∂b = −1.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { subtract, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(subtract(tensor([5, 7]), tensor(2)).toArray(), [3, 5]);
 * ```
 */
export const subtract: (a: Tensor, b: Tensor) => Tensor = defineOp("subtract", (a: Tensor, b: Tensor) => ({
  inputs: [a, b],
  output: applyBinary("subtract", kernels.subtract, a, b),
  backward: (dy) => [reduceTo(dy, a.shape), b.requiresGrad ? scale(reduceTo(dy, b.shape), -1) : undefined],
}));
