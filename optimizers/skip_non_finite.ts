import { coreKernels } from "@unfold/core/kernels";
import { checkCount } from "./_check.ts";
import type { OptimizerPlugin } from "./plugin.ts";

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
  checkCount("skipNonFinite", "most", most);
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
