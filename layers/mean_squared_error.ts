import { defineOp, empty, full, type Tensor } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { checkSameShape } from "./_check.ts";

/**
 * Mean squared error over all n elements: L = Σ(p − t)²/n, ∂L/∂p = 2(p − t)/n, ∂L/∂t = −∂L/∂p.
 *
 * @param prediction p.
 * @param target t, of the same shape; nothing is broadcast, since that mostly hides a mistake.
 * @returns A scalar.
 * @throws {TypeError} If the shapes differ.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { meanSquaredError } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * assert.equal(meanSquaredError(tensor([1, 2]), tensor([1, 4])).item(), 2);
 * ```
 */
export const meanSquaredError: (prediction: Tensor, target: Tensor) => Tensor = defineOp(
  "meanSquaredError",
  (prediction: Tensor, target: Tensor) => {
    checkSameShape("compute the mean squared error", ["prediction", prediction], ["target", target]);
    const n = prediction.size;
    const difference = empty(prediction.shape);
    coreKernels.subtract(prediction.offset, target.offset, difference.offset, 1, n, 0, 4, 0, 4);
    const times = (factor: number): Tensor => {
      const scaled = empty(difference.shape);
      coreKernels.affine(difference.offset, scaled.offset, n, factor, 0);
      return scaled;
    };
    return {
      inputs: [prediction, target],
      output: full([], coreKernels.sumOfSquares(difference.offset, n) / n),
      backward: (dy) => {
        const slope = 2 * dy.item() / n;
        return [times(slope), target.requiresGrad ? times(-slope) : undefined];
      },
    };
  },
);
