import { checkClasses } from "./_check_classes.ts";

/** How often each class was taken for each. */
export interface ConfusionMatrix {
  /** The classes that occur, predicted or actual, in ascending order. */
  readonly classes: readonly number[];
  /** counts[i][j] is how often `classes[i]` was predicted as `classes[j]`. */
  readonly counts: readonly (readonly number[])[];
}

/**
 * Counts which class was taken for which: a row for each actual class, a column for each predicted one, as in scikit-learn.
 *
 * @param predicted Predicted classes.
 * @param actual Actual classes, equally many.
 * @returns The counts, and the classes of their rows and columns.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, or a class is no integer of 0 or more.
 *
 * @example
 * ```ts
 * import { confusionMatrix } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const { classes, counts } = confusionMatrix([1, 5, 5], [1, 1, 5]);
 * assert.deepEqual(classes, [1, 5]);
 * assert.deepEqual(counts, [[1, 1], [0, 1]]);
 * ```
 */
export function confusionMatrix(predicted: ArrayLike<number>, actual: ArrayLike<number>): ConfusionMatrix {
  checkClasses(predicted, actual);
  const classes = [...new Set([...Array.from(predicted), ...Array.from(actual)])].sort((a, b) => a - b);
  const indices = new Map(classes.map((value, index) => [value, index]));
  const counts = classes.map(() => classes.map(() => 0));
  for (let i = 0; i < actual.length; i++) counts[indices.get(actual[i]!)!]![indices.get(predicted[i]!)!]!++;
  return { classes, counts };
}
