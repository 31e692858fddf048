import { maximum, mean, scale, subtract, type Tensor } from "@unfold/core";
import { checkSameShape } from "./_check.ts";

/** Options for {@linkcode quantileLoss}. */
export interface QuantileLossOptions {
  /**
   * q.
   *
   * @default {0.5}
   */
  quantile?: number;
}

/**
 * Pinball loss over all n elements: the mean of max(q·e, (q − 1)·e) with e = t − p; its minimum is the quantile q of t
 * (Koenker and Bassett, 1978).
 *
 * @param prediction p.
 * @param target t, of the same shape.
 * @returns A scalar.
 * @throws {TypeError} If the shapes differ.
 * @throws {RangeError} If the quantile does not lie between 0 and 1.
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
