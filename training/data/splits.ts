import { checkCounts } from "@unfold/core/support";

/** Rows of a series: from inclusive, to exclusive. */
export interface Part {
  /** The first row. */
  readonly from: number;
  /** The row after the last one. */
  readonly to: number;
}

/** The parts of a series, one after the other in time. */
export interface TimeSplit {
  /** What to learn from. */
  readonly train: Part;
  /** What to choose by. */
  readonly validation: Part;
  /** What to test on, once. */
  readonly test: Part;
}

/** Options for {@linkcode splitByTime}. */
export interface SplitByTimeOptions {
  /** The validation part, as a fraction of all rows. */
  validation: number;
  /** The test part, as a fraction of all rows. */
  test: number;
  /**
   * Rows between two parts that belong to neither. Windows of horizon h need h − 1 of them, or the last targets of one part
   * are the first of the next.
   *
   * @default {0}
   */
  gap?: number;
}

/**
 * Splits a series in order of time: train, validation, test. The later parts have their fractions of all rows, rounded; the
 * first one has what is left.
 *
 * A part is what {@linkcode Windows} takes as `from` and `to`, the first one with `from: past − 1`. Windows of a later part
 * then look back into an earlier one, as they would in life.
 *
 * @param count Rows in the series.
 * @param options Fractions and gap.
 * @returns The parts.
 * @throws {RangeError} If a number is out of range, or a part would have no row.
 *
 * @example
 * ```ts
 * import { splitByTime } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(splitByTime(100, { validation: 0.1, test: 0.2, gap: 5 }), {
 *   train: { from: 0, to: 60 },
 *   validation: { from: 65, to: 75 },
 *   test: { from: 80, to: 100 },
 * });
 * ```
 */
export function splitByTime(count: number, options: SplitByTimeOptions): TimeSplit {
  const { validation, test, gap = 0 } = options;
  checkCounts("split by time", { count, gap }, { least: 0 });
  for (const [name, value] of Object.entries({ validation, test })) {
    if (value > 0 && value < 1) continue;
    throw new RangeError(`Cannot split by time: ${name} must be a fraction above 0 and below 1, got ${value}`);
  }
  const testFrom = count - Math.round(count * test);
  const validationTo = testFrom - gap;
  const validationFrom = validationTo - Math.round(count * validation);
  const parts = {
    train: { from: 0, to: validationFrom - gap },
    validation: { from: validationFrom, to: validationTo },
    test: { from: testFrom, to: count },
  };
  for (const [name, { from, to }] of Object.entries(parts)) {
    if (from < to) continue;
    throw new RangeError(
      `Cannot split ${count} rows by time: the ${name} part must have at least one row, got ${Math.max(0, to - from)}`,
    );
  }
  return parts;
}

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
  checkCounts("make folds", { count, folds, test, window: window ?? 1 });
  checkCounts("make folds", { gap }, { least: 0 });
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
