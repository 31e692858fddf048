import { kernels } from "../_kernels.ts";
import { reduceTo } from "../_reduce_to.ts";
import { defineOp } from "../define_op.ts";
import type { Tensor } from "../tensor.ts";
import { applyBinary } from "./_binary.ts";

/**
 * The larger of two values, elementwise with broadcasting: y = max(a, b). The gradient goes to the larger one, and in halves
 * to both where they are equal. NaN where either is, with no
 * gradient.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { maximum, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(maximum(tensor([1, 5]), tensor(3)).toArray(), [3, 5]);
 * ```
 */
export const maximum: (a: Tensor, b: Tensor) => Tensor = defineOp("maximum", (a: Tensor, b: Tensor) => ({
  inputs: [a, b],
  output: applyBinary("maximum", kernels.maximum, a, b),
  backward: (dy) => {
    const part = (x: Tensor, other: Tensor) => {
      const share = applyBinary("maximum", kernels.maximumShare, x, other);
      return reduceTo(applyBinary("multiply", kernels.multiply, dy, share), x.shape);
    };
    return [a.requiresGrad ? part(a, b) : undefined, b.requiresGrad ? part(b, a) : undefined];
  },
}));
