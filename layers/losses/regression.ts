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
  zeros,
} from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { checkSameShape } from "../_check.ts";
import { counted, type ElementLoss, type LossOptions, sumOf, weightedLoss, weightsIfAny } from "./options.ts";

const squaredError = defineOp("meanSquaredError", (prediction: Tensor, target: Tensor) => {
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
});

const SQUARED: ElementLoss = {
  value: (p, t) => (p - t) ** 2,
  slope: (p, t) => 2 * (p - t),
  targetSlope: (p, t) => 2 * (t - p),
};

/**
 * Mean squared error over all n elements: L = Σ(p − t)²/n, ∂L/∂p = 2(p − t)/n, ∂L/∂t = −∂L/∂p.
 *
 * @param prediction p.
 * @param target t, of the same shape. It is not broadcast, since that usually hides a mistake.
 * @returns A scalar, and in `count` the number of targets or the sum of their weights. 0 if no target counts.
 * @throws {TypeError} If the shapes differ, or weights or lengths do not fit the targets.
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
export function meanSquaredError(prediction: Tensor, target: Tensor, options?: LossOptions): Tensor {
  const doing = "compute the mean squared error";
  checkSameShape(doing, ["prediction", prediction], ["target", target]);
  const weights = weightsIfAny(doing, target.shape, options);
  if (weights !== undefined) return weightedLoss(prediction, target, weights, SQUARED);
  return counted(squaredError(prediction, target), target.size);
}

const ABSOLUTE: ElementLoss = {
  value: (p, t) => Math.abs(p - t),
  slope: (p, t) => Math.sign(p - t),
  targetSlope: (p, t) => Math.sign(t - p),
};

/**
 * Mean absolute error over all n elements: L = Σ|p − t|/n, ∂L/∂p = sign(p − t)/n.
 *
 * @param prediction p.
 * @param target t, of the same shape.
 * @returns A scalar, and in `count` the number of targets or the sum of their weights. 0 if no target counts.
 * @throws {TypeError} If the shapes differ, or weights or lengths do not fit the targets.
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
export function meanAbsoluteError(prediction: Tensor, target: Tensor, options?: LossOptions): Tensor {
  const doing = "compute the mean absolute error";
  checkSameShape(doing, ["prediction", prediction], ["target", target]);
  const weights = weightsIfAny(doing, target.shape, options);
  if (weights !== undefined) return weightedLoss(prediction, target, weights, ABSOLUTE);
  return counted(mean(abs(subtract(prediction, target))), target.size);
}

/** Options for {@linkcode huber}. */
export interface HuberOptions extends LossOptions {
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
 * @returns A scalar, and in `count` the number of targets or the sum of their weights. 0 if no target counts.
 * @throws {TypeError} If the shapes differ, or weights or lengths do not fit the targets.
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
export function huber(prediction: Tensor, target: Tensor, options?: HuberOptions): Tensor {
  const doing = "compute the Huber loss";
  const { delta = 1 } = options ?? {};
  if (!(delta > 0 && delta < Infinity)) throw new RangeError(`Cannot ${doing}: delta must be above 0, got ${delta}`);
  checkSameShape(doing, ["prediction", prediction], ["target", target]);
  const weights = weightsIfAny(doing, target.shape, options);
  if (weights !== undefined) return weightedLoss(prediction, target, weights, huberOf(delta));
  const distance = abs(subtract(prediction, target));
  const inner = clamp(distance, { max: delta });
  return counted(mean(multiply(inner, subtract(distance, scale(inner, 0.5)))), target.size);
}

function huberOf(delta: number): ElementLoss {
  const slope = (d: number) => Math.max(-delta, Math.min(delta, d));
  return {
    value(p, t) {
      const distance = Math.abs(p - t);
      const inner = Math.min(delta, distance);
      return inner * (distance - inner / 2);
    },
    slope: (p, t) => slope(p - t),
    targetSlope: (p, t) => slope(t - p),
  };
}

/** Options for {@linkcode quantileLoss}. */
export interface QuantileLossOptions extends LossOptions {
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
 * @returns A scalar, and in `count` the number of targets or the sum of their weights. 0 if no target counts.
 * @throws {TypeError} If the shapes differ, or weights or lengths do not fit the targets.
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
export function quantileLoss(prediction: Tensor, target: Tensor, options?: QuantileLossOptions): Tensor {
  const doing = "compute the quantile loss";
  const { quantile = 0.5 } = options ?? {};
  if (!(quantile > 0 && quantile < 1)) {
    throw new RangeError(`Cannot ${doing}: quantile must be above 0 and below 1, got ${quantile}`);
  }
  checkSameShape(doing, ["prediction", prediction], ["target", target]);
  const weights = weightsIfAny(doing, target.shape, options);
  if (weights !== undefined) return weightedLoss(prediction, target, weights, quantileOf(quantile));
  const error = subtract(target, prediction);
  return counted(mean(maximum(scale(error, quantile), scale(error, quantile - 1))), target.size);
}

function quantileOf(q: number): ElementLoss {
  // At e = 0 the slope for q, and NaN for NaN.
  const slope = (e: number) => e >= 0 ? q : e < 0 ? q - 1 : NaN;
  return {
    value: (p, t) => Math.max(q * (t - p), (q - 1) * (t - p)),
    slope: (p, t) => -slope(t - p),
    targetSlope: (p, t) => slope(t - p),
  };
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
 * @returns A scalar, and in `count` the number of targets or the sum of their weights. 0 if no target counts.
 * @throws {TypeError} If the shapes do not match, or weights or lengths do not fit the targets.
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
export function gaussianNegativeLogLikelihood(prediction: Tensor, target: Tensor, options?: LossOptions): Tensor {
  const doing = "compute the Gaussian likelihood";
  const k = target.shape.at(-1) ?? 0;
  if (k === 0 || prediction.shape.at(-1) !== 2 * k) {
    throw new TypeError(
      `Cannot ${doing}: prediction's last axis must be twice as long as target's, ` +
        `got ${formatShape(prediction.shape)} and ${formatShape(target.shape)}`,
    );
  }
  const rest = formatShape(prediction.shape.with(-1, k));
  if (rest !== formatShape(target.shape)) {
    throw new TypeError(
      `Cannot ${doing}: half of prediction's last axis and target must have equal shapes, ` +
        `got ${rest} and ${formatShape(target.shape)}`,
    );
  }
  const weights = weightsIfAny(doing, target.shape, options);
  if (weights !== undefined) return counted(weightedGaussian(prediction, target, weights), sumOf(weights));
  const means = slice(prediction, { axis: -1, end: k });
  const bounds = { min: -LARGEST_LOG_VARIANCE, max: LARGEST_LOG_VARIANCE };
  const logVariance = clamp(slice(prediction, { axis: -1, start: k, end: 2 * k }), bounds);
  const error = subtract(target, means);
  const terms = add(logVariance, multiply(multiply(error, error), exp(negate(logVariance))));
  return counted(scale(add(mean(terms), tensor(LOG_TWO_PI)), 0.5), target.size);
}

/** {@linkcode gaussianNegativeLogLikelihood} over the targets with a weight above 0; 0 if there are none. */
const weightedGaussian = defineOp(
  "gaussianNegativeLogLikelihood",
  (prediction: Tensor, target: Tensor, weights: Float32Array) => {
    const k = target.shape.at(-1)!;
    const count = sumOf(weights);
    /** Calls f with each target that counts: its weight, its error, its log-variance, and the positions of mean and target. */
    const visit = (f: (w: number, error: number, s: number, at: number, i: number) => void) => {
      const [p, t] = [prediction.data, target.data];
      for (let i = 0; i < weights.length; i++) {
        if (!(weights[i]! > 0)) continue;
        const at = i + Math.floor(i / k) * k;
        f(weights[i]!, t[i]! - p[at]!, p[at + k]!, at, i);
      }
    };
    const clamped = (s: number) => Math.max(-LARGEST_LOG_VARIANCE, Math.min(LARGEST_LOG_VARIANCE, s));
    let total = 0;
    visit((w, error, s) => total += w * (LOG_TWO_PI + clamped(s) + error ** 2 * Math.exp(-clamped(s))) / 2);
    return {
      inputs: [prediction, target],
      output: full([], count === 0 ? 0 : total / count),
      backward: (dy) => {
        const [dp, dt] = [zeros(prediction.shape), target.requiresGrad ? zeros(target.shape) : undefined];
        const factor = count === 0 ? 0 : dy.item() / count;
        const [p, t] = [dp.data, dt?.data];
        visit((w, error, s, at, i) => {
          const precision = Math.exp(-clamped(s));
          const slope = factor * w * error * precision;
          p[at] = -slope;
          // Beyond the bounds the log-variance has no gradient.
          p[at + k] = Math.abs(s) > LARGEST_LOG_VARIANCE ? 0 : factor * w * (1 - error ** 2 * precision) / 2;
          if (t !== undefined) t[i] = slope;
        });
        return [dp, dt];
      },
    };
  },
);
