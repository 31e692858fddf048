import {
  abs,
  add,
  clamp,
  defineOp,
  empty,
  exp,
  formatShape,
  full,
  maximum,
  mean,
  multiply,
  negate,
  scale,
  slice,
  subtract,
  type Tensor,
  tensor,
} from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { checkSameShape } from "../_check.ts";

/**
 * Mean squared error over all n elements: L = Σ(p − t)²/n, ∂L/∂p = 2(p − t)/n, ∂L/∂t = −∂L/∂p.
 *
 * @param prediction p.
 * @param target t, of the same shape. It is not broadcast, since that usually hides a mistake.
 * @returns A scalar.
 * @throws {TypeError} If the shapes differ.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { meanSquaredError } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * assert.equal(meanSquaredError(tensor([1, 2]), tensor([1, 4])).item(), 2);
 * ```
 */
export const meanSquaredError: (prediction: Tensor, target: Tensor) => Tensor = defineOp(
  "meanSquaredError",
  (prediction: Tensor, target: Tensor) => {
    checkSameShape("compute the mean squared error", ["prediction", prediction], ["target", target]);
    const n = prediction.size;
    const difference = empty(prediction.shape);
    coreKernels.subtract(prediction.offset, target.offset, difference.offset, 1, n, 0, 4, 0, 4);
    const times = (factor: number): Tensor => {
      const scaled = empty(difference.shape);
      coreKernels.affine(difference.offset, scaled.offset, n, factor, 0);
      return scaled;
    };
    return {
      inputs: [prediction, target],
      output: full([], coreKernels.sumOfSquares(difference.offset, n) / n),
      backward: (dy) => {
        const slope = 2 * dy.item() / n;
        return [times(slope), target.requiresGrad ? times(-slope) : undefined];
      },
    };
  },
);

/**
 * Mean absolute error over all n elements: L = Σ|p − t|/n, ∂L/∂p = sign(p − t)/n.
 *
 * @param prediction p.
 * @param target t, of the same shape.
 * @returns A scalar.
 * @throws {TypeError} If the shapes differ.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { meanAbsoluteError } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * assert.equal(meanAbsoluteError(tensor([1, 2]), tensor([1, 4])).item(), 1);
 * ```
 */
export function meanAbsoluteError(prediction: Tensor, target: Tensor): Tensor {
  checkSameShape("compute the mean absolute error", ["prediction", prediction], ["target", target]);
  return mean(abs(subtract(prediction, target)));
}

/** Options for {@linkcode huber}. */
export interface HuberOptions {
  /**
   * δ, where the loss changes from quadratic to linear.
   *
   * @default {1}
   */
  delta?: number;
}

/**
 * Huber loss over all n elements: with d = p − t, the mean of d²/2 where |d| ≤ δ and of δ·(|d| − δ/2) elsewhere (Huber, 1964).
 * The gradient of an outlier is bounded.
 *
 * @param prediction p.
 * @param target t, of the same shape.
 * @returns A scalar.
 * @throws {TypeError} If the shapes differ.
 * @throws {RangeError} If δ is not a positive number.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { huber } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * assert.equal(huber(tensor([1, 5]), tensor([1, 2])).item(), 1.25);
 * ```
 */
export function huber(prediction: Tensor, target: Tensor, options: HuberOptions = {}): Tensor {
  const { delta = 1 } = options;
  if (!(delta > 0 && delta < Infinity)) {
    throw new RangeError(`Cannot compute the Huber loss: delta must be above 0, got ${delta}`);
  }
  checkSameShape("compute the Huber loss", ["prediction", prediction], ["target", target]);
  const distance = abs(subtract(prediction, target));
  const inner = clamp(distance, { max: delta });
  return mean(multiply(inner, subtract(distance, scale(inner, 0.5))));
}

/** Options for {@linkcode quantileLoss}. */
export interface QuantileLossOptions {
  /**
   * q, above 0 and below 1.
   *
   * @default {0.5}
   */
  quantile?: number;
}

/**
 * Quantile loss, also called pinball loss, over all n elements: the mean of max(q·e, (q − 1)·e) with e = t − p. The quantile q
 * of t minimizes it (Koenker and Bassett, 1978).
 *
 * @param prediction p.
 * @param target t, of the same shape.
 * @returns A scalar.
 * @throws {TypeError} If the shapes differ.
 * @throws {RangeError} If the quantile is not between 0 and 1.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { quantileLoss } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * assert.equal(quantileLoss(tensor([0, 4]), tensor([4, 0]), { quantile: 0.75 }).item(), 2);
 * ```
 */
export function quantileLoss(prediction: Tensor, target: Tensor, options: QuantileLossOptions = {}): Tensor {
  const { quantile = 0.5 } = options;
  if (!(quantile > 0 && quantile < 1)) {
    throw new RangeError(`Cannot compute the quantile loss: quantile must be above 0 and below 1, got ${quantile}`);
  }
  checkSameShape("compute the quantile loss", ["prediction", prediction], ["target", target]);
  const error = subtract(target, prediction);
  return mean(maximum(scale(error, quantile), scale(error, quantile - 1)));
}

/** ln 2π. */
const LOG_TWO_PI = Math.log(2 * Math.PI);
/** Log-variances are clamped to ±30, since gradients with e³⁰ are still finite. */
const LARGEST_LOG_VARIANCE = 30;

/**
 * Negative log-likelihood of a normal distribution with predicted mean μ and log-variance s: the mean of
 * ½·(ln 2π + s + (t − μ)²·e⁻ˢ), with s clamped to ±30 (Nix and Weigend, 1994).
 *
 * @param prediction [..., 2·k]: k means, then k log-variances.
 * @param target t, [..., k].
 * @returns A scalar.
 * @throws {TypeError} If the shapes do not match.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { gaussianNegativeLogLikelihood } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const loss = gaussianNegativeLogLikelihood(tensor([[3, 0]]), tensor([[3]])).item();
 * assert.ok(Math.abs(loss - Math.log(2 * Math.PI) / 2) < 1e-6);
 * ```
 */
export function gaussianNegativeLogLikelihood(prediction: Tensor, target: Tensor): Tensor {
  const k = target.shape.at(-1) ?? 0;
  if (k === 0 || prediction.shape.at(-1) !== 2 * k) {
    throw new TypeError(
      "Cannot compute the Gaussian likelihood: prediction's last axis must be twice as long as target's, " +
        `got ${formatShape(prediction.shape)} and ${formatShape(target.shape)}`,
    );
  }
  const means = slice(prediction, { axis: -1, end: k });
  checkSameShape("compute the Gaussian likelihood", ["half of prediction's last axis", means], ["target", target]);
  const bounds = { min: -LARGEST_LOG_VARIANCE, max: LARGEST_LOG_VARIANCE };
  const logVariance = clamp(slice(prediction, { axis: -1, start: k, end: 2 * k }), bounds);
  const error = subtract(target, means);
  const terms = add(logVariance, multiply(multiply(error, error), exp(negate(logVariance))));
  return scale(add(mean(terms), tensor(LOG_TWO_PI)), 0.5);
}
