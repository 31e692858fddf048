import { abs, mean, subtract, type Tensor } from "@unfold/core";
import { checkSameShape } from "./_check.ts";

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
