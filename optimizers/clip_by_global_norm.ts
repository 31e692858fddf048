import { coreKernels } from "@unfold/core/kernels";
import { checkPositive } from "./_check.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/**
 * Scales all gradients together so that their Euclidean norm is at most `maxNorm`: g ← g·min(1, maxNorm/‖g‖) (Pascanu et
 * al., 2013).
 *
 * @param maxNorm The bound, above 0.
 * @throws {RangeError} If the bound is not above 0.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { clipByGlobalNorm, Optimizer, sgd } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2]);
 * weight.grad.data.set([30, 40]);
 * new Optimizer({ weight }, [clipByGlobalNorm(5), sgd()], { learningRate: 1 }).step();
 * assert.deepEqual(weight.toArray(), [-3, -4]);
 * ```
 */
export function clipByGlobalNorm(maxNorm: number): OptimizerPlugin {
  checkPositive("clipByGlobalNorm", "maxNorm", maxNorm);
  return {
    name: "clipByGlobalNorm",
    update({ grads }) {
      const norm = Math.sqrt(coreKernels.sumOfSquares(grads.byteOffset, grads.length));
      if (norm > maxNorm) coreKernels.affine(grads.byteOffset, grads.byteOffset, grads.length, maxNorm / norm, 0);
    },
  };
}
