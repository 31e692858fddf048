import { checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/** Options for {@linkcode adam}; names and defaults as in PyTorch. */
export interface AdamOptions {
  /**
   * Decay of the means of the gradient and of its square, β₁ and β₂.
   *
   * @default {[0.9, 0.999]}
   */
  betas?: readonly [number, number];
  /**
   * Added to the root, ε, so that it is not 0.
   *
   * @default {1e-8}
   */
  eps?: number;
}

/**
 * Adam: m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², p ← p − η·m̂/(√v̂ + ε), with m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ)
 * (Kingma and Ba, 2015).
 *
 * @throws {RangeError} If a β does not lie in [0, 1), or ε is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adam, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * weight.grad.data.fill(-20);
 * new Optimizer({ weight }, [adam()], { learningRate: 0.1 }).step();
 * assert.ok(Math.abs(weight.item() - 0.1) < 1e-7);
 * ```
 */
export function adam(options: AdamOptions = {}): OptimizerPlugin {
  const { betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8 } = options;
  checkRange("adam", "betas[0]", beta1, 0, 1);
  checkRange("adam", "betas[1]", beta2, 0, 1);
  checkRange("adam", "eps", eps, 0, Infinity);
  return {
    name: "adam",
    update({ params, grads, slot }, { step, learningRate }) {
      const [m, v] = [slot("m"), slot("v")];
      kernels.adam(
        params.byteOffset,
        grads.byteOffset,
        m.byteOffset,
        v.byteOffset,
        params.length,
        learningRate / (1 - beta1 ** step),
        1 - beta1,
        beta2,
        1 - beta2,
        1 / Math.sqrt(1 - beta2 ** step),
        eps,
      );
    },
  };
}
