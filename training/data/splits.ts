import { checkCounts } from "@unfold/core/support";

/** A range of rows of a series. */
export interface Part {
  /** The first row, inclusive. */
  readonly from: number;
  /** The last row, exclusive. */
  readonly to: number;
}

/** The parts of a series, in order of time. */
export interface TimeSplit {
  /** The part to train on. */
  readonly train: Part;
  /** The part to choose models by. */
  readonly validation: Part;
  /** The holdout, to test on once. */
  readonly test: Part;
}

/** Options for {@linkcode splitByTime}. */
export interface SplitByTimeOptions {
  /** The validation part, as a fraction of all rows. */
  validation: number;
  /** The test part, as a fraction of all rows. */
  test: number;
  /**
   * Unused rows between two parts. Windows with horizon h need h − 1 of them; otherwise the last targets of one part are the
   * first of the next.
   *
   * @default {0}
   */
  gap?: number;
}

/**
 * Splits a series by time into train, validation and test. Validation and test get their fractions of all rows, rounded;
 * train gets the rest.
 *
 * Pass a part to {@linkcode Windows} as `from` and `to`; for the train part use `from: past − 1`. The windows of a later part
 * look back into the part before it, as they would in production.
 *
 * @param count The number of rows.
 * @param options The fractions and the gap.
 * @returns The parts.
 * @throws {RangeError} If a number is out of range, or a part would have no rows.
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
  /** The part to train on. */
  readonly train: Part;
  /** The part after it, to test on. */
  readonly test: Part;
}

/** Options for {@linkcode rollingOrigin}. */
export interface RollingOriginOptions {
  /** The number of folds. */
  folds: number;
  /** Rows in each test part. */
  test: number;
  /**
   * Unused rows between the train and test part. Windows with horizon h need h − 1 of them.
   *
   * @default {0}
   */
  gap?: number;
  /**
   * Rows in each train part, for a sliding window.
   *
   * @default {all rows from the first: an expanding window}
   */
  window?: number;
}

/**
 * Folds of a back-test with a rolling forecast origin (Tashman, 2000, "Out-of-sample tests of forecasting accuracy"). The test
 * parts are consecutive and end with the series, and each train part ends before its test part.
 *
 * @param count The number of rows.
 * @param options The number and sizes of the folds.
 * @returns The folds, earliest first.
 * @throws {RangeError} If a number is out of range, or the first train part does not fit.
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
