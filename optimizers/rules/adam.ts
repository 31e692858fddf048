import { overElements } from "@unfold/core/kernels";
import { checkBetas, checkFlag, checkRange } from "../_check.ts";
import { kernels } from "../_kernels.ts";
import type { OptimizerPlugin } from "../plugin.ts";

/** Options for {@linkcode adam}; names and defaults as in PyTorch. */
export interface AdamOptions {
  /**
   * The decay of the means of the gradient and of its square, β₁ and β₂.
   *
   * @default {[0.9, 0.999]}
   */
  betas?: readonly [number, number];
  /**
   * Added to the root to keep it above 0, ε.
   *
   * @default {1e-8}
   */
  eps?: number;
  /**
   * Whether to use the largest v so far instead of v (AMSGrad: Reddi et al., 2018).
   *
   * @default {false}
   */
  amsgrad?: boolean;
}

/**
 * Adam: m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², p ← p − η·m̂/(√v̂ + ε), with m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ)
 * (Kingma and Ba, 2015). For weight decay, put `addDecayedWeights` before it, or use `adamW`.
 *
 * @throws {RangeError} If a β is not in [0, 1), or ε is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { adam, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * const optimizer = new Optimizer({ weight }, [adam()], { learningRate: 0.1 });
 * weight.grad.data.fill(-20);
 * optimizer.step();
 * assert.ok(Math.abs(weight.item() - 0.1) < 1e-7);
 * ```
 */
export function adam(options: AdamOptions = {}): OptimizerPlugin {
  return adamRule("adam", options, 0);
}

/** Options for {@linkcode adamW}; names and defaults as in PyTorch. */
export interface AdamWOptions extends AdamOptions {
  /**
   * The weight decay λ: each step shrinks the parameters by η·λ of their value.
   *
   * @default {0.01}
   */
  weightDecay?: number;
}

/**
 * Adam with decoupled weight decay: p ← (1 − η·λ)·p, then a step of `adam` (Loshchilov and Hutter, 2019).
 *
 * @throws {RangeError} If a β is not in [0, 1), or ε or λ is negative.
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

/** Adam with decoupled weight decay, which may be 0. */
function adamRule(name: string, options: AdamOptions, weightDecay: number): OptimizerPlugin {
  const { betas = [0.9, 0.999], eps = 1e-8, amsgrad = false } = options;
  checkBetas(name, betas);
  checkFlag(name, "amsgrad", amsgrad);
  checkRange(name, "eps", eps, 0, Infinity);
  const [beta1, beta2] = betas;
  return {
    name,
    update({ params, grads, slot }, { step, learningRate }) {
      const numbers = [
        learningRate / (1 - beta1 ** step),
        1 - beta1,
        beta2,
        1 - beta2,
        1 / Math.sqrt(1 - beta2 ** step),
        eps,
        1 - learningRate * weightDecay,
      ] as const;
      const [p, g] = [params.byteOffset, grads.byteOffset];
      const [m, v] = [slot("m").byteOffset, slot("v").byteOffset];
      const largest = amsgrad ? slot("largestV").byteOffset : 0;
      overElements(params.length, (at, n) => {
        if (amsgrad) kernels.amsgrad(p + at, g + at, m + at, v + at, largest + at, n, ...numbers);
        else kernels.adam(p + at, g + at, m + at, v + at, n, ...numbers);
      });
    },
  };
}

/** Options for {@linkcode nadam}; names and defaults as in PyTorch. */
export interface NadamOptions {
  /**
   * The decay of the means of the gradient and of its square, β₁ and β₂.
   *
   * @default {[0.9, 0.999]}
   */
  betas?: readonly [number, number];
  /**
   * Added to the root to keep it above 0, ε.
   *
   * @default {1e-8}
   */
  eps?: number;
  /**
   * How fast the momentum grows towards β₁, ψ.
   *
   * @default {0.004}
   */
  momentumDecay?: number;
}

/**
 * Adam with Nesterov's momentum: m and v as in `adam`, μₜ = β₁·(1 − ½·0.96^(t·ψ)), and
 * p ← p − η·((1 − μₜ)·g/(1 − Π μ₁…μₜ) + μₜ₊₁·m/(1 − Π μ₁…μₜ₊₁))/(√v̂ + ε) (Dozat, 2016).
 *
 * @throws {RangeError} If a β is not in [0, 1), or ε or ψ is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { nadam, Optimizer } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1]);
 * const optimizer = new Optimizer({ weight }, [nadam()], { learningRate: 0.1 });
 * weight.grad.data.fill(-20);
 * optimizer.step();
 * assert.ok(weight.item() > 0.1 && weight.item() < 0.2);
 * ```
 */
export function nadam(options: NadamOptions = {}): OptimizerPlugin {
  const { betas = [0.9, 0.999], eps = 1e-8, momentumDecay = 4e-3 } = options;
  checkBetas("nadam", betas);
  checkRange("nadam", "eps", eps, 0, Infinity);
  checkRange("nadam", "momentumDecay", momentumDecay, 0, Infinity);
  const [beta1, beta2] = betas;
  const momentum = (step: number) => beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
  // Π μ₁…μₜ for the last t, a function of t alone.
  let [last, product] = [0, 1];
  const productTo = (step: number) => {
    if (step < last) [last, product] = [0, 1];
    while (last < step) product *= momentum(++last);
    return product;
  };
  return {
    name: "nadam",
    update({ params, grads, slot }, { step, learningRate }) {
      const [p, g] = [params.byteOffset, grads.byteOffset];
      const [m, v] = [slot("m").byteOffset, slot("v").byteOffset];
      const here = productTo(step);
      const [now, next] = [momentum(step), momentum(step + 1)];
      const gradientStep = learningRate * (1 - now) / (1 - here);
      const meanStep = learningRate * next / (1 - here * next);
      const rootScale = 1 / Math.sqrt(1 - beta2 ** step);
      const numbers = [gradientStep, meanStep, 1 - beta1, beta2, 1 - beta2, rootScale, eps] as const;
      overElements(params.length, (at, n) => kernels.nadam(p + at, g + at, m + at, v + at, n, ...numbers));
    },
  };
}
