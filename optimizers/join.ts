import type { Schedule } from "./plugin.ts";

/**
 * Schedules one after the other; each counts its steps from 1.
 *
 * @param schedules The schedules.
 * @param boundaries The last step of each but the last.
 * @throws {RangeError} If the boundaries are not one fewer than the schedules, or no integers that rise from 1 on.
 *
 * @example
 * ```ts
 * import { constant, join, stepDecay } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const schedule = join([constant(1), stepDecay(4, { every: 2, factor: 0.5 })], [3]);
 * assert.deepEqual([1, 2, 3, 4, 5, 6].map(schedule), [1, 1, 1, 4, 4, 2]);
 * ```
 */
export function join(schedules: readonly Schedule[], boundaries: readonly number[]): Schedule {
  const rising = boundaries.every((boundary, i) =>
    Number.isSafeInteger(boundary) && boundary > (boundaries[i - 1] ?? 0)
  );
  if (!rising || boundaries.length !== schedules.length - 1) {
    throw new RangeError(
      `Cannot join ${schedules.length} schedules: boundaries must be ${
        Math.max(0, schedules.length - 1)
      } integers that ` +
        `rise from 1 on, got ${JSON.stringify(boundaries)}`,
    );
  }
  return (step) => {
    const index = boundaries.filter((boundary) => boundary < step).length;
    return schedules[index]!(step - (boundaries[index - 1] ?? 0));
  };
}
