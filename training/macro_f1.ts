import { confusionMatrix } from "./confusion_matrix.ts";

/**
 * Macro-averaged F₁: the mean over classes of 2·TP/(2·TP + FP + FN), the harmonic mean of precision and recall, each class
 * that occurs, predicted or actual, counting alike (Sokolova and Lapalme, 2009; the mean of F₁ as scikit-learn takes it).
 *
 * @param predicted Predicted classes.
 * @param actual Actual classes, equally many.
 * @returns From 0 to 1.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, or a class is no integer of 0 or more.
 *
 * @example
 * ```ts
 * import { macroF1 } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(macroF1([0, 0, 0, 1], [0, 0, 1, 1]), (4 / 5 + 2 / 3) / 2);
 * ```
 */
export function macroF1(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  const { counts } = confusionMatrix(predicted, actual);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  // A class's row and column add up to 2·TP + FP + FN, which is above 0 as the class occurs.
  return sum(counts.map((row, i) => 2 * row[i]! / (sum(row) + sum(counts.map((other) => other[i]!))))) / counts.length;
}
