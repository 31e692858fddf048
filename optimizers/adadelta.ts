import { checkPositive, checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/** Options for {@linkcode adadelta}; names and defaults as in PyTorch. */
export interface AdadeltaOptions {
  /**
   * Decay of the means of squares, ρ.
   *
   * @default {0.9}
   */
  rho?: number;
  /**
   * Added to the means, ε, so that none is 0.
   *
   * @default {1e-6}
   */
  eps?: number;
}

/**
 * Adadelta: v ← ρ·v + (1 − ρ)·g², d = √(u + ε)/√(v + ε)·g, u ← ρ·u + (1 − ρ)·d², p ← p − η·d (Zeiler, 2012). Its usual
 * learning rate is 1.
 *
 * @throws {RangeError} If ρ does not lie in [0, 1), or ε is not above 0, without which it would never move.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adadelta, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * weight.grad.data.fill(2);
 * new Optimizer({ weight }, [adadelta({ rho: 0.75, eps: 1 })], { learningRate: 1 }).step();
 * assert.ok(Math.abs(weight.item() + Math.SQRT2) < 1e-6);
 * ```
 */
export function adadelta(options: AdadeltaOptions = {}): OptimizerPlugin {
  const { rho = 0.9, eps = 1e-6 } = options;
  checkRange("adadelta", "rho", rho, 0, 1);
  checkPositive("adadelta", "eps", eps);
  return {
    name: "adadelta",
    update({ params, grads, slot }, { learningRate }) {
      const [p, g, n] = [params.byteOffset, grads.byteOffset, params.length];
      const [gradient, change] = [slot("squaredGradient").byteOffset, slot("squaredChange").byteOffset];
      kernels.adadelta(p, g, gradient, change, n, learningRate, rho, 1 - rho, eps);
    },
  };
}
