import { coreKernels } from "@unfold/core/kernels";
import { checkCounts } from "@unfold/core/support";
import { checkPositive, checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
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

/**
 * Holds each gradient within ±`most`: g ← min(max(g, −most), most). Its direction changes; `clipByGlobalNorm` keeps it.
 *
 * @param most The bound, above 0.
 * @throws {RangeError} If the bound is not above 0.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { clipByValue, Optimizer, sgd } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2]);
 * weight.grad.data.set([30, -0.5]);
 * new Optimizer({ weight }, [clipByValue(1), sgd()], { learningRate: 1 }).step();
 * assert.deepEqual(weight.toArray(), [-1, 0.5]);
 * ```
 */
export function clipByValue(most: number): OptimizerPlugin {
  checkPositive("clipByValue", "most", most);
  return {
    name: "clipByValue",
    update: ({ grads: { byteOffset, length } }) => coreKernels.clamp(byteOffset, byteOffset, length, -most, most),
  };
}

/**
 * Adds the gradient of ½·λ·‖p‖² to the gradients: g ← g + λ·p. Before a rule it is what PyTorch's rules call `weight_decay`.
 *
 * @param weightDecay λ.
 * @throws {RangeError} If λ is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { addDecayedWeights, Optimizer, sgd } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2], (data) => data.set([1, -2]));
 * new Optimizer({ weight }, [addDecayedWeights(0.5), sgd()], { learningRate: 0.5 }).step();
 * assert.deepEqual(weight.toArray(), [0.75, -1.5]);
 * ```
 */
export function addDecayedWeights(weightDecay: number): OptimizerPlugin {
  checkRange("addDecayedWeights", "weightDecay", weightDecay, 0, Infinity);
  return {
    name: "addDecayedWeights",
    // A step of gradient descent of the gradients against the parameters.
    update: ({ params, grads }) => kernels.sgd(grads.byteOffset, params.byteOffset, params.length, -weightDecay),
  };
}

/** Options for {@linkcode skipNonFinite}. */
export interface SkipNonFiniteOptions {
  /**
   * How many steps in a row may be dropped; one more is an error, for then the parameters themselves have gone wrong.
   *
   * @default {10}
   */
  most?: number;
}

/**
 * Drops a step whose gradients hold NaN or an infinity: nothing changes but `optimizer.skippedSteps`. It stands before the
 * other plugins, and acts on all parameters.
 *
 * @throws {RangeError} If `most` is no integer of 1 or more; at a step, if that many were dropped in a row before it.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adam, Optimizer, skipNonFinite } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2]);
 * const optimizer = new Optimizer({ weight }, [skipNonFinite(), adam()], { learningRate: 0.1 });
 * weight.grad.data.set([NaN, 1]);
 * optimizer.step();
 * assert.deepEqual(weight.toArray(), [0, 0]);
 * assert.deepEqual([optimizer.steps, optimizer.skippedSteps], [0, 1]);
 * ```
 */
export function skipNonFinite(options: SkipNonFiniteOptions = {}): OptimizerPlugin {
  const { most = 10 } = options;
  checkCounts("make skipNonFinite", { most });
  return {
    name: "skipNonFinite",
    skipsNonFinite: true,
    update({ grads }, { step, skippedInARow, skip }) {
      // Squares of 32-bit floats do not overflow in the sum's 64 bits.
      if (Number.isFinite(coreKernels.sumOfSquares(grads.byteOffset, grads.length))) return;
      if (skippedInARow >= most) {
        throw new RangeError(
          `Cannot take step ${step}: gradients must be finite at least once in ${most + 1} steps, and were not; ` +
            "try a lower learning rate, or look for bad values in the data",
        );
      }
      skip();
    },
  };
}
