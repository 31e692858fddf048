import { abs, clamp, mean, multiply, scale, subtract, type Tensor } from "@unfold/core";
import { checkSameShape } from "./_check.ts";

/** Options for {@linkcode huber}. */
export interface HuberOptions {
  /**
   * δ, where the loss turns from square to straight.
   *
   * @default {1}
   */
  delta?: number;
}

/**
 * Huber loss over all n elements: the mean of d²/2 where |d| = |p − t| ≤ δ, and of δ·(|d| − δ/2) beyond (Huber, 1964), so that
 * outliers pull with a bounded force.
 *
 * @param prediction p.
 * @param target t, of the same shape.
 * @returns A scalar.
 * @throws {TypeError} If the shapes differ.
 * @throws {RangeError} If δ is not above 0.
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
