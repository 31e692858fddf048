import { checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/** Options for {@linkcode adagrad}; names and defaults as in PyTorch. */
export interface AdagradOptions {
  /**
   * How fast the learning rate falls, κ.
   *
   * @default {0}
   */
  lrDecay?: number;
  /**
   * The sum of squares before the first step.
   *
   * @default {0}
   */
  initialAccumulatorValue?: number;
  /**
   * Added to the root, ε, so that it is not 0.
   *
   * @default {1e-10}
   */
  eps?: number;
}

/**
 * Adagrad: s ← s + g², p ← p − η/(1 + (t − 1)·κ)·g/(√s + ε) (Duchi et al., 2011).
 *
 * @throws {RangeError} If an option is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adagrad, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * const optimizer = new Optimizer({ weight }, [adagrad()], { learningRate: 0.5 });
 * weight.grad.data.fill(3);
 * optimizer.step();
 * assert.equal(weight.item(), -0.5);
 * ```
 */
export function adagrad(options: AdagradOptions = {}): OptimizerPlugin {
  const { lrDecay = 0, initialAccumulatorValue = 0, eps = 1e-10 } = options;
  for (const [name, value] of Object.entries({ lrDecay, initialAccumulatorValue, eps })) {
    checkRange("adagrad", name, value, 0, Infinity);
  }
  return {
    name: "adagrad",
    update({ params, grads, slot }, { step, learningRate }) {
      const sum = slot("sum");
      if (step === 1) sum.fill(initialAccumulatorValue);
      const rate = learningRate / (1 + (step - 1) * lrDecay);
      kernels.adagrad(params.byteOffset, grads.byteOffset, sum.byteOffset, params.length, rate, eps);
    },
  };
}
