import { kernels } from "../_kernels.ts";
import { reduceTo } from "../_reduce_to.ts";
import { defineOp } from "../define_op.ts";
import type { Tensor } from "../tensor.ts";
import { applyBinary } from "./_binary.ts";
import { scale } from "./scale.ts";

/**
 * Quotient, elementwise with broadcasting: y = a/b, ∂y/∂a = 1/b, ∂y/∂b = −y/b.
 *
 * @example
 * ```ts
 * import { divide, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(divide(tensor([6, 8]), tensor(2)).toArray(), [3, 4]);
 * ```
 */
export const divide: (a: Tensor, b: Tensor) => Tensor = defineOp("divide", (a: Tensor, b: Tensor) => {
  const y = applyBinary("divide", kernels.divide, a, b);
  return {
    inputs: [a, b],
    output: y,
    backward: (dy) => {
      const da = applyBinary("divide", kernels.divide, dy, b);
      const db = () => scale(applyBinary("multiply", kernels.multiply, da, y), -1);
      return [reduceTo(da, a.shape), b.requiresGrad ? reduceTo(db(), b.shape) : undefined];
    },
  };
});
