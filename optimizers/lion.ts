import { checkBetas, checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/** Options for {@linkcode lion}; defaults as in Optax. */
export interface LionOptions {
  /**
   * How much of the mean goes into the direction, and into the next mean: β₁ and β₂.
   *
   * @default {[0.9, 0.99]}
   */
  betas?: readonly [number, number];
  /**
   * By how much of itself, times the learning rate, each parameter shrinks a step, λ.
   *
   * @default {0.001}
   */
  weightDecay?: number;
}

/**
 * Lion: p ← p − η·(sign(β₁·m + (1 − β₁)·g) + λ·p), m ← β₂·m + (1 − β₂)·g (Chen et al., 2023). Every parameter moves by the whole
 * learning rate, which should be three to ten times smaller than Adam's.
 *
 * @throws {RangeError} If a β does not lie in [0, 1), or λ is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { lion, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2]);
 * weight.grad.data.set([1e-6, -300]);
 * new Optimizer({ weight }, [lion()], { learningRate: 0.5 }).step();
 * assert.deepEqual(weight.toArray(), [-0.5, 0.5]);
 * ```
 */
export function lion(options: LionOptions = {}): OptimizerPlugin {
  const { betas = [0.9, 0.99], weightDecay = 1e-3 } = options;
  checkBetas("lion", betas);
  checkRange("lion", "weightDecay", weightDecay, 0, Infinity);
  const [beta1, beta2] = betas;
  return {
    name: "lion",
    update({ params, grads, slot }, { learningRate }) {
      const [p, g, n] = [params.byteOffset, grads.byteOffset, params.length];
      const keep = 1 - learningRate * weightDecay;
      kernels.lion(p, g, slot("m").byteOffset, n, learningRate, 1 - beta1, 1 - beta2, keep);
    },
  };
}
