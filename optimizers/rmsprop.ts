import { checkFlag, checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/** Options for {@linkcode rmsprop}; names and defaults as in PyTorch. */
export interface RmspropOptions {
  /**
   * Decay of the mean of the squared gradient, α.
   *
   * @default {0.99}
   */
  alpha?: number;
  /**
   * Added to the root, ε, so that it is not 0.
   *
   * @default {1e-8}
   */
  eps?: number;
  /**
   * How much of the last velocity is kept, μ.
   *
   * @default {0}
   */
  momentum?: number;
  /**
   * Whether the variance of the gradient stands for the mean of its square.
   *
   * @default {false}
   */
  centered?: boolean;
}

/**
 * RMSprop: v ← α·v + (1 − α)·g², p ← p − η·g/(√v + ε) (Tieleman and Hinton, 2012). With momentum u ← μ·u + g/(√v + ε) and
 * p ← p − η·u; centred √(v − m²) stands for √v, with m ← α·m + (1 − α)·g (Graves, 2013).
 *
 * @throws {RangeError} If α does not lie in [0, 1), or ε or μ is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { Optimizer, rmsprop } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * weight.grad.data.fill(5);
 * new Optimizer({ weight }, [rmsprop({ alpha: 0.75 })], { learningRate: 0.1 }).step();
 * assert.ok(Math.abs(weight.item() + 0.2) < 1e-6);
 * ```
 */
export function rmsprop(options: RmspropOptions = {}): OptimizerPlugin {
  const { alpha = 0.99, eps = 1e-8, momentum = 0, centered = false } = options;
  checkRange("rmsprop", "alpha", alpha, 0, 1);
  checkRange("rmsprop", "eps", eps, 0, Infinity);
  checkFlag("rmsprop", "centered", centered);
  checkRange("rmsprop", "momentum", momentum, 0, Infinity);
  return {
    name: "rmsprop",
    update({ params, grads, slot }, { learningRate }) {
      const square = slot("square").byteOffset;
      const mean = centered ? slot("mean").byteOffset : 0;
      const velocity = momentum > 0 ? slot("velocity").byteOffset : 0;
      const [p, g, n] = [params.byteOffset, grads.byteOffset, params.length];
      kernels.rmsprop(p, g, square, mean, velocity, n, learningRate, alpha, 1 - alpha, eps, momentum);
    },
  };
}
