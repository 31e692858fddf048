import { kernels } from "../_kernels.ts";
import { reduceTo } from "../_reduce_to.ts";
import { defineOp } from "../define_op.ts";
import type { Tensor } from "../tensor.ts";
import { applyBinary } from "./_binary.ts";
import { scale } from "./scale.ts";

/**
 * Quotient, elementwise with broadcasting: y = a/b, ∂y/∂a = 1/b, ∂y/∂b = −y/b.
 *
 * @throws {TypeError} If the shapes do not broadcast.
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
      const quotient = (x: Tensor) => applyBinary("divide", kernels.divide, x, b);
      // In this order: 1/b may be infinite where dy·y is 0.
      const db = () => scale(quotient(applyBinary("multiply", kernels.multiply, dy, y)), -1);
      return [
        a.requiresGrad ? reduceTo(quotient(dy), a.shape) : undefined,
        b.requiresGrad ? reduceTo(db(), b.shape) : undefined,
      ];
    },
  };
});
