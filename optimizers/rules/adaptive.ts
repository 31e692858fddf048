import { overElements } from "@unfold/core/kernels";
import { checkFlag, checkPositive, checkRange } from "../_check.ts";
import { kernels } from "../_kernels.ts";
import type { OptimizerPlugin } from "../plugin.ts";

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
   * Added to the root to keep it above 0, ε.
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
      const [p, g, s] = [params.byteOffset, grads.byteOffset, sum.byteOffset];
      overElements(params.length, (at, n) => kernels.adagrad(p + at, g + at, s + at, n, rate, eps));
    },
  };
}

/** Options for {@linkcode rmsprop}; names and defaults as in PyTorch. */
export interface RmspropOptions {
  /**
   * The decay of the mean of the squared gradient, α.
   *
   * @default {0.99}
   */
  alpha?: number;
  /**
   * Added to the root to keep it above 0, ε.
   *
   * @default {1e-8}
   */
  eps?: number;
  /**
   * The fraction of the velocity that is kept, μ.
   *
   * @default {0}
   */
  momentum?: number;
  /**
   * Whether to use the variance of the gradient instead of the mean of its square.
   *
   * @default {false}
   */
  centered?: boolean;
}

/**
 * RMSprop: v ← α·v + (1 − α)·g², p ← p − η·g/(√v + ε) (Tieleman and Hinton, 2012). With momentum,
 * u ← μ·u + g/(√v + ε) and p ← p − η·u. When centred, √(v − m²) replaces √v, with m ← α·m + (1 − α)·g (Graves, 2013).
 *
 * @throws {RangeError} If α is not in [0, 1), or ε or μ is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { Optimizer, rmsprop } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * const optimizer = new Optimizer({ weight }, [rmsprop({ alpha: 0.75 })], { learningRate: 0.1 });
 * weight.grad.data.fill(5);
 * optimizer.step();
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
      const mean = centered ? slot("mean").byteOffset : undefined;
      const velocity = momentum > 0 ? slot("velocity").byteOffset : undefined;
      const [p, g] = [params.byteOffset, grads.byteOffset];
      const numbers = [learningRate, alpha, 1 - alpha, eps, momentum] as const;
      overElements(params.length, (at, n) => {
        // The kernel takes 0 for a slot that there is not.
        const [ownMean, ownVelocity] = [mean, velocity].map((slot) => slot === undefined ? 0 : slot + at);
        kernels.rmsprop(p + at, g + at, square + at, ownMean!, ownVelocity!, n, ...numbers);
      });
    },
  };
}

/** Options for {@linkcode adadelta}; names and defaults as in PyTorch. */
export interface AdadeltaOptions {
  /**
   * The decay of the means of squares, ρ.
   *
   * @default {0.9}
   */
  rho?: number;
  /**
   * Added to the means to keep them above 0, ε.
   *
   * @default {1e-6}
   */
  eps?: number;
}

/**
 * Adadelta: v ← ρ·v + (1 − ρ)·g², d = √(u + ε)/√(v + ε)·g, u ← ρ·u + (1 − ρ)·d², p ← p − η·d (Zeiler, 2012). The
 * usual learning rate is 1.
 *
 * @throws {RangeError} If ρ is not in [0, 1), or ε is not above 0; with ε = 0 the parameters would never move.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adadelta, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * const optimizer = new Optimizer({ weight }, [adadelta({ rho: 0.75, eps: 1 })], { learningRate: 1 });
 * weight.grad.data.fill(2);
 * optimizer.step();
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
      const [p, g] = [params.byteOffset, grads.byteOffset];
      const [gradient, change] = [slot("squaredGradient").byteOffset, slot("squaredChange").byteOffset];
      overElements(params.length, (at, n) => {
        kernels.adadelta(p + at, g + at, gradient + at, change + at, n, learningRate, rho, 1 - rho, eps);
      });
    },
  };
}
