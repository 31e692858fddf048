import { type Part, rollingOrigin, splitByTime, type TimeSplit } from "@unfold/training";
import { FEATURE_SETS, type FeatureSetName } from "./features.ts";
import type { Prices } from "./prices.ts";

/** Windows that a series must give at least, to learn from, choose by and test on. */
const LEAST_WINDOWS = 20;

/** How a series is cut into windows. */
interface Cut {
  /** Days in a window. */
  readonly window: number;
  /** Days before the first features. */
  readonly warmUp: number;
  /** Days from a window's last one to its target. */
  readonly horizon: number;
}

/** What a training run's settings say about that. */
export function cutOf({ window, horizon, features }: {
  readonly window: number;
  readonly horizon: number;
  readonly features: FeatureSetName;
}): Cut {
  return { window, horizon, warmUp: FEATURE_SETS[features].warmUp };
}

/** The rows of the feature table in which windows end that have a target. */
function windowRows({ dates, file }: Prices, { window, warmUp, horizon }: Cut): Part {
  // Between two parts there are horizon − 1 windows of neither.
  const least = warmUp + window + LEAST_WINDOWS + 3 * (horizon - 1);
  if (dates.length < least) {
    const ahead = horizon === 1 ? "" : ` and a horizon of ${horizon}`;
    const between = horizon === 1 ? "" : `, ${3 * (horizon - 1)} after and between the parts`;
    throw new RangeError(
      `Cannot train on ${file}: with a window of ${window} days${ahead} it must have at least ${least} rows ` +
        `(${warmUp} before the first features, ${window} in a window, ${LEAST_WINDOWS} windows${between}), got ${dates.length}`,
    );
  }
  return { from: window - 1, to: dates.length - warmUp - horizon };
}

/** Each part has two windows at least. */
function shareOf(count: number, fraction: number): number {
  return Math.max(fraction, 2 / count);
}

/** Errors of forecasts over h days go together over h − 1 of them: a test on fewer days than that compares nothing. */
function checkTestPart({ file }: Prices, { from, to }: Part, horizon: number): void {
  if (horizon === 1 || to - from > horizon) return;
  throw new RangeError(
    `Cannot test on ${file}: the test part must have more days than the horizon, ${horizon}, got ${to - from}`,
  );
}

/**
 * Splits the windows of a series in order of time: the rows of the feature table in which the windows of each part end.
 * A window of a later part may look back into an earlier one, as it would in life; no window of an earlier part has a
 * target in a later one's time.
 *
 * @param fractions Fractions of all windows for validation and test.
 * @throws {RangeError} If the series is too short.
 */
export function splitWindows(
  prices: Prices,
  cut: Cut,
  fractions: { readonly validation: number; readonly test: number },
): TimeSplit {
  const { from, to } = windowRows(prices, cut);
  const count = to - from;
  const shift = (part: Part) => ({ from: from + part.from, to: from + part.to });
  const { train, validation, test } = splitByTime(count, {
    validation: shareOf(count, fractions.validation),
    test: shareOf(count, fractions.test),
    gap: cut.horizon - 1,
  });
  checkTestPart(prices, test, cut.horizon);
  return { train: shift(train), validation: shift(validation), test: shift(test) };
}

/** How a series is cut into folds. */
export interface FoldOptions {
  readonly folds: number;
  /** Windows in the test part of each. */
  readonly foldDays: number;
  /** The fraction of the windows before a test part that is to choose the epoch by. */
  readonly validation: number;
}

/**
 * The folds of a rolling origin: test parts that follow one another up to the end of the series, each with all that
 * comes before it to learn from and, last, to choose by.
 *
 * @throws {RangeError} If the series is too short for so many folds.
 */
export function splitFolds(prices: Prices, cut: Cut, { folds, foldDays, validation }: FoldOptions): TimeSplit[] {
  const { from, to } = windowRows(prices, cut);
  const gap = cut.horizon - 1;
  const before = to - from - folds * foldDays;
  const least = LEAST_WINDOWS + 2 * gap;
  if (before < least) {
    throw new RangeError(
      `Cannot test on ${prices.file}: before ${folds} folds of ${foldDays} days there must be at least ${least} windows, got ` +
        `${Math.max(0, before)}`,
    );
  }
  const shift = (part: Part) => ({ from: from + part.from, to: from + part.to });
  return rollingOrigin(to - from, { folds, test: foldDays, gap }).map(({ train, test }) => {
    checkTestPart(prices, test, cut.horizon);
    const choose = Math.max(1, Math.round((train.to - train.from) * validation));
    return {
      train: shift({ from: train.from, to: train.to - choose - gap }),
      validation: shift({ from: train.to - choose, to: train.to }),
      test: shift(test),
    };
  });
}
