import { coreKernels } from "@unfold/core/kernels";
import { checkCounts } from "@unfold/core/support";
import { checkPositive, checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/**
 * Scales all gradients so that their Euclidean norm is at most `maxNorm`: g ← g·min(1, maxNorm/‖g‖) (Pascanu et
 * al., 2013). Frozen groups do not count. If any gradient is NaN or infinite, all become NaN, as there is no scale that bounds
 * the norm; `skipNonFinite` before it drops such steps.
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
 * const optimizer = new Optimizer({ weight }, [clipByGlobalNorm(5), sgd()], { learningRate: 1 });
 * weight.grad.data.set([30, 40]);
 * optimizer.step();
 * assert.deepEqual(weight.toArray(), [-3, -4]);
 * ```
 */
export function clipByGlobalNorm(maxNorm: number): OptimizerPlugin {
  checkPositive("clipByGlobalNorm", "maxNorm", maxNorm);
  return {
    name: "clipByGlobalNorm",
    runs: "before",
    update({ grads }) {
      const norm = Math.sqrt(coreKernels.sumOfSquares(grads.byteOffset, grads.length));
      if (norm <= maxNorm) return;
      // Of gradients that are not finite nothing is left, in any group.
      const factor = norm < Infinity ? maxNorm / norm : NaN;
      coreKernels.affine(grads.byteOffset, grads.byteOffset, grads.length, factor, 0);
    },
  };
}

/**
 * Clips each gradient to ±`most`: g ← min(max(g, −most), most). This changes the direction of the gradient; `clipByGlobalNorm`
 * does not.
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
 * const optimizer = new Optimizer({ weight }, [clipByValue(1), sgd()], { learningRate: 1 });
 * weight.grad.data.set([30, -0.5]);
 * optimizer.step();
 * assert.deepEqual(weight.toArray(), [-1, 0.5]);
 * ```
 */
export function clipByValue(most: number): OptimizerPlugin {
  checkPositive("clipByValue", "most", most);
  return {
    name: "clipByValue",
    runs: "before",
    update: ({ grads: { byteOffset, length } }) => coreKernels.clamp(byteOffset, byteOffset, length, -most, most),
  };
}

/**
 * Adds the gradient of ½·λ·‖p‖² to the gradients: g ← g + λ·p. Listed before a rule, it equals `weight_decay` of PyTorch's rules.
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
    runs: "before",
    // The sgd kernel with swapped arguments: g −= −λ·p.
    update: ({ params, grads }) => kernels.sgd(grads.byteOffset, params.byteOffset, params.length, -weightDecay),
  };
}

/** Options for {@linkcode skipNonFinite}. */
export interface SkipNonFiniteOptions {
  /**
   * The number of steps that may be dropped in a row. One more is an error: the parameters themselves have then gone wrong.
   *
   * @default {10}
   */
  most?: number;
}

/**
 * Drops steps with NaN or infinite gradients: only `optimizer.skippedSteps` changes. It must be the first plugin and act on all
 * parameters.
 *
 * @throws {RangeError} If `most` is not an integer of 1 or more. At a step, if `most` steps in a row were dropped before it.
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
    runs: "before",
    skipsNonFinite: true,
    update({ grads }, { step, skippedInARow, skip }) {
      // The sum is in 64 bits, where squares of 32-bit floats do not overflow.
      if (Number.isFinite(coreKernels.sumOfSquares(grads.byteOffset, grads.length))) return;
      if (skippedInARow >= most) {
        throw new RangeError(
          `Cannot take step ${step}: gradients must be finite at least once in ${most + 1} steps, but were not; ` +
            "try a lower learning rate, or check the data for bad values",
        );
      }
      skip();
    },
  };
}
