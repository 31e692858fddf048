import { overElements } from "@unfold/core/kernels";
import { checkBetas, checkFlag, checkRange } from "../_check.ts";
import { kernels } from "../_kernels.ts";
import type { OptimizerPlugin } from "../plugin.ts";

/** Options for {@linkcode sgd}; names and defaults as in PyTorch. */
export interface SgdOptions {
  /**
   * The fraction of the velocity that is kept, μ.
   *
   * @default {0}
   */
  momentum?: number;
  /**
   * The fraction of a new gradient that does not enter the velocity, τ.
   *
   * @default {0}
   */
  dampening?: number;
  /**
   * Whether to step ahead along the velocity (Nesterov).
   *
   * @default {false}
   */
  nesterov?: boolean;
}

/**
 * Stochastic gradient descent: p ← p − η·g. With momentum, v ← μ·v + (1 − τ)·g (v ← g at the first step) and p ← p − η·v, or
 * p ← p − η·(g + μ·v) with `nesterov` (Sutskever et al., 2013).
 *
 * @throws {RangeError} If momentum or dampening is out of range, or `nesterov` is set without momentum or with dampening.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * const optimizer = new Optimizer({ weight }, [sgd({ momentum: 0.5 })], { learningRate: 0.25 });
 * for (let step = 0; step < 2; step++) {
 *   weight.grad.data.fill(1);
 *   optimizer.step();
 * }
 * assert.equal(weight.item(), -0.25 * (1 + 1.5));
 * ```
 */
export function sgd(options: SgdOptions = {}): OptimizerPlugin {
  const { momentum = 0, dampening = 0, nesterov = false } = options;
  checkRange("sgd", "momentum", momentum, 0, Infinity);
  checkFlag("sgd", "nesterov", nesterov);
  checkRange("sgd", "dampening", dampening, 0, Infinity);
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new RangeError(
      `Cannot make sgd: nesterov needs a momentum above 0 and no dampening, got ${momentum} and ${dampening}`,
    );
  }
  return {
    name: "sgd",
    update({ params, grads, slot }, { step, learningRate }) {
      const [p, g] = [params.byteOffset, grads.byteOffset];
      if (momentum === 0) return overElements(params.length, (at, n) => kernels.sgd(p + at, g + at, n, learningRate));
      const velocity = slot("velocity").byteOffset;
      const share = step === 1 ? 1 : 1 - dampening;
      const numbers = [learningRate, momentum, share, nesterov] as const;
      overElements(params.length, (at, n) => kernels.sgdMomentum(p + at, g + at, velocity + at, n, ...numbers));
    },
  };
}

/** Options for {@linkcode lion}; defaults as in Optax. */
export interface LionOptions {
  /**
   * The weight of the mean in the direction, and in the next mean: β₁ and β₂.
   *
   * @default {[0.9, 0.99]}
   */
  betas?: readonly [number, number];
  /**
   * The weight decay λ: each step shrinks the parameters by η·λ of their value.
   *
   * @default {0.001}
   */
  weightDecay?: number;
}

/**
 * Lion: p ← p − η·(sign(β₁·m + (1 − β₁)·g) + λ·p), m ← β₂·m + (1 − β₂)·g (Chen et al., 2023). Every parameter moves by the full
 * learning rate, which should be three to ten times smaller than for Adam.
 *
 * @throws {RangeError} If a β is not in [0, 1), or λ is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { lion, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2]);
 * const optimizer = new Optimizer({ weight }, [lion()], { learningRate: 0.5 });
 * weight.grad.data.set([1e-6, -300]);
 * optimizer.step();
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
      const [p, g, m] = [params.byteOffset, grads.byteOffset, slot("m").byteOffset];
      const numbers = [learningRate, 1 - beta1, 1 - beta2, 1 - learningRate * weightDecay] as const;
      overElements(params.length, (at, n) => kernels.lion(p + at, g + at, m + at, n, ...numbers));
    },
  };
}
