import { checkPairs } from "./_check_pairs.ts";

/** Throws a `RangeError` unless there is one predicted class for each actual one, and all are integers of 0 or more. */
export function checkClasses(predicted: ArrayLike<number>, actual: ArrayLike<number>): void {
  checkPairs(predicted, actual);
  for (const [list, values] of Object.entries({ predicted, actual })) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (Number.isInteger(value) && value >= 0) continue;
      throw new RangeError(`Cannot compare classes: ${list}[${i}] must be an integer of 0 or more, got ${value}`);
    }
  }
}
