import { adamRule } from "./_adam_rule.ts";
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
  /**
   * Whether the largest v so far stands for v (AMSGrad: Reddi et al., 2018).
   *
   * @default {false}
   */
  amsgrad?: boolean;
}

/**
 * Adam: m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², p ← p − η·m̂/(√v̂ + ε), with m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ)
 * (Kingma and Ba, 2015). For a penalty on the size of the parameters put `addDecayedWeights` before it, or take `adamW`.
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
  return adamRule("adam", options, 0);
}
