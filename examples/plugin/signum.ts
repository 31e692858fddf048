/**
 * Signum, an optimizer plugin for Unfold: a few lines that import only a type.
 *
 * @module
 */

import type { OptimizerPlugin } from "@unfold/optimizers";

/** Options for {@linkcode signum}. */
export interface SignumOptions {
  /**
   * The fraction of the momentum to keep at each step, β.
   *
   * @default {0.9}
   */
  beta?: number;
}

/**
 * Signum: m ← β·m + (1 − β)·g, p ← p − η·sign(m) (Bernstein et al., 2018).
 *
 * @throws {RangeError} If β is not in [0, 1).
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { Optimizer } from "@unfold/optimizers";
 * import { signum } from "@example/signum";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2]);
 * const optimizer = new Optimizer({ weight }, [signum()], { learningRate: 0.5 });
 * weight.grad.data.set([3, -4]);
 * optimizer.step();
 * assert.deepEqual(weight.toArray(), [-0.5, 0.5]);
 * ```
 */
export function signum(options: SignumOptions = {}): OptimizerPlugin {
  const { beta = 0.9 } = options;
  if (!(beta >= 0 && beta < 1)) {
    throw new RangeError(`Cannot make signum: beta must be at least 0 and below 1, got ${beta}`);
  }
  return {
    name: "signum",
    update({ params, grads, slot }, { learningRate }) {
      const momentum = slot("momentum");
      for (let i = 0; i < params.length; i++) {
        const m = momentum[i] = beta * momentum[i]! + (1 - beta) * grads[i]!;
        params[i]! -= learningRate * Math.sign(m);
      }
    },
  };
}
