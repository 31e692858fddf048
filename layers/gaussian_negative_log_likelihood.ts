import {
  add,
  clamp,
  exp,
  formatShape,
  mean,
  multiply,
  negate,
  scale,
  slice,
  subtract,
  type Tensor,
  tensor,
} from "@unfold/core";
import { checkSameShape } from "./_check.ts";

/** ln 2π */
const LOG_TWO_PI = Math.log(2 * Math.PI);
/** Log-variances are held within ±this: e³⁰ is still a number that a gradient can be computed with. */
const LARGEST_LOG_VARIANCE = 30;

/**
 * Negative log-likelihood of a normal distribution whose mean and variance are both predicted: the mean of
 * ½·(ln 2π + s + (t − μ)²·e⁻ˢ) with the log-variance s, held within ±30 (Nix and Weigend, 1994).
 *
 * @param prediction [..., 2·k]: k means, then k log-variances.
 * @param target [..., k].
 * @returns A scalar.
 * @throws {TypeError} If the shapes do not fit.
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
      `Cannot compute the Gaussian likelihood: prediction's last axis must be twice as long as target's, got ` +
        `${formatShape(prediction.shape)} and ${formatShape(target.shape)}`,
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
