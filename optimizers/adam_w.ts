import { adamRule } from "./_adam_rule.ts";
import { checkRange } from "./_check.ts";
import type { AdamOptions } from "./adam.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/** Options for {@linkcode adamW}; names and defaults as in PyTorch. */
export interface AdamWOptions extends AdamOptions {
  /**
   * By how much of itself, times the learning rate, each parameter shrinks a step, λ.
   *
   * @default {0.01}
   */
  weightDecay?: number;
}

/**
 * Adam with decoupled weight decay: p ← (1 − η·λ)·p, then the step of `adam` (Loshchilov and Hutter, 2019).
 *
 * @throws {RangeError} If a β does not lie in [0, 1), or ε or λ is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adamW, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1], (data) => data.fill(1));
 * new Optimizer({ weight }, [adamW({ weightDecay: 0.5 })], { learningRate: 0.1 }).step();
 * assert.ok(Math.abs(weight.item() - 0.95) < 1e-6);
 * ```
 */
export function adamW(options: AdamWOptions = {}): OptimizerPlugin {
  const { weightDecay = 0.01 } = options;
  checkRange("adamW", "weightDecay", weightDecay, 0, Infinity);
  return adamRule("adamW", options, weightDecay);
}
