import { checkClasses } from "./_check_classes.ts";

/**
 * The share of classes that were predicted: |{i: pᵢ = aᵢ}|/n.
 *
 * @param predicted p, such as what `argmax` gives.
 * @param actual a, equally many.
 * @returns From 0 to 1.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, or a class is no integer of 0 or more.
 *
 * @example
 * ```ts
 * import { accuracy } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(accuracy([0, 1, 1, 2], [0, 1, 2, 2]), 0.75);
 * ```
 */
export function accuracy(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  checkClasses(predicted, actual);
  let right = 0;
  for (let i = 0; i < actual.length; i++) if (predicted[i] === actual[i]) right++;
  return right / actual.length;
}
