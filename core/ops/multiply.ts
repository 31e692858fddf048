import { kernels } from "../_kernels.ts";
import { reduceTo } from "../_reduce_to.ts";
import { defineOp } from "../define_op.ts";
import type { Tensor } from "../tensor.ts";
import { applyBinary } from "./_binary.ts";

/**
 * Product, elementwise with broadcasting: y = a·b, ∂y/∂a = b, ∂y/∂b = a.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { multiply, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(multiply(tensor([[1], [2]]), tensor([3, 4])).toArray(), [[3, 4], [6, 8]]);
 * ```
 */
export const multiply: (a: Tensor, b: Tensor) => Tensor = defineOp("multiply", (a: Tensor, b: Tensor) => ({
  inputs: [a, b],
  output: applyBinary("multiply", kernels.multiply, a, b),
  backward: (dy) => [
    a.requiresGrad ? reduceTo(applyBinary("multiply", kernels.multiply, dy, b), a.shape) : undefined,
    b.requiresGrad ? reduceTo(applyBinary("multiply", kernels.multiply, dy, a), b.shape) : undefined,
  ],
}));
