import type { Part } from "./split_by_time.ts";

/** One fold of {@linkcode rollingOrigin}. */
export interface Fold {
  /** What to learn from. */
  readonly train: Part;
  /** What comes after it, to test on. */
  readonly test: Part;
}

/** Options for {@linkcode rollingOrigin}. */
export interface RollingOriginOptions {
  /** How many folds. */
  folds: number;
  /** Rows in each test part. */
  test: number;
  /**
   * Rows between training and test part that belong to neither. Windows of horizon h need h − 1 of them.
   *
   * @default {0}
   */
  gap?: number;
  /**
   * Rows in each training part, which then slides along.
   *
   * @default {all from the first row on}
   */
  window?: number;
}

/**
 * Cross-validation in order of time (Tashman, 2000, "Out-of-sample tests of forecasting accuracy"): the test parts follow
 * one another up to the end of the series, and each training part ends before its own.
 *
 * @param count Rows in the series.
 * @param options Number and sizes of the folds.
 * @returns The folds, the earliest first.
 * @throws {RangeError} If a number is out of range, or the first training part does not fit.
 *
 * @example
 * ```ts
 * import { rollingOrigin } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(rollingOrigin(10, { folds: 2, test: 3 }), [
 *   { train: { from: 0, to: 4 }, test: { from: 4, to: 7 } },
 *   { train: { from: 0, to: 7 }, test: { from: 7, to: 10 } },
 * ]);
 * const [first] = rollingOrigin(10, { folds: 2, test: 3, gap: 1, window: 2 });
 * assert.deepEqual(first, { train: { from: 1, to: 3 }, test: { from: 4, to: 7 } });
 * ```
 */
export function rollingOrigin(count: number, options: RollingOriginOptions): Fold[] {
  const { folds, test, gap = 0, window } = options;
  for (const [name, value] of Object.entries({ count, folds, test, gap, window: window ?? 1 })) {
    const least = name === "gap" ? 0 : 1;
    if (Number.isInteger(value) && value >= least) continue;
    throw new RangeError(`Cannot make folds: ${name} must be an integer of ${least} or more, got ${value}`);
  }
  const least = folds * test + gap + (window ?? 1);
  if (count < least) {
    throw new RangeError(
      `Cannot make folds: with these options a series must have at least ${least} rows, got ${count}`,
    );
  }
  return Array.from({ length: folds }, (_, fold) => {
    const from = count - (folds - fold) * test;
    const to = from - gap;
    return { train: { from: window === undefined ? 0 : to - window, to }, test: { from, to: from + test } };
  });
}
