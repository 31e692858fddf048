import { type Part, rollingOrigin, splitByTime, type TimeSplit } from "@unfold/training";
import { FEATURE_SETS, type FeatureSetName } from "./features.ts";
import type { Prices } from "./prices.ts";

/** The least number of windows to train, validate and test on. */
const LEAST_WINDOWS = 20;

/** The sizes that determine the windows of a series. */
interface Cut {
  /** Days in a window. */
  readonly window: number;
  /** Days before the first features. */
  readonly warmUp: number;
  /** Days from the end of a window to its target. */
  readonly horizon: number;
}

/** The sizes for the settings of a training run. */
export function cutOf({ window, horizon, features }: {
  readonly window: number;
  readonly horizon: number;
  readonly features: FeatureSetName;
}): Cut {
  return { window, horizon, warmUp: FEATURE_SETS[features].warmUp };
}

/** The rows of the feature table at which a window with a target ends. */
function windowRows({ dates, file }: Prices, { window, warmUp, horizon }: Cut): Part {
  // The horizon − 1 windows between two parts are dropped.
  const least = warmUp + window + LEAST_WINDOWS + 3 * (horizon - 1);
  if (dates.length < least) {
    const ahead = horizon === 1 ? "" : ` and a horizon of ${horizon}`;
    const between = horizon === 1 ? "" : `, ${3 * (horizon - 1)} between and after the parts`;
    throw new RangeError(
      `Cannot train on ${file}: with a window of ${window} days${ahead} it must have at least ${least} rows ` +
        `(${warmUp} before the first features, ${window} in a window, ${LEAST_WINDOWS} windows${between}), ` +
        `got ${dates.length}`,
    );
  }
  return { from: window - 1, to: dates.length - warmUp - horizon };
}

/** Gives each part at least two windows. */
function shareOf(count: number, fraction: number): number {
  return Math.max(fraction, 2 / count);
}

/** Errors of forecasts over h days are correlated over h − 1 lags, so a significance test needs more than h days. */
function checkTestPart({ file }: Prices, { from, to }: Part, horizon: number): void {
  if (horizon === 1 || to - from > horizon) return;
  throw new RangeError(
    `Cannot test on ${file}: the test part must have more days than the horizon, ${horizon}, got ${to - from}`,
  );
}

/**
 * Splits the windows of a series by time into training, validation and test. A window of a later part may look back into an
 * earlier part, as it would in use; no window of an earlier part has a target in a later one.
 *
 * @param fractions The fractions of all windows for validation and test.
 * @returns For each part, the rows of the feature table at which its windows end.
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

/** The folds of a back-test. */
export interface FoldOptions {
  readonly folds: number;
  /** Windows in each test part. */
  readonly foldDays: number;
  /** The fraction of the windows before a test part that chooses the epoch. */
  readonly validation: number;
}

/**
 * Splits a series into the folds of a rolling origin: consecutive test parts up to the end of the series, each with
 * everything before it as training and validation parts.
 *
 * @throws {RangeError} If the series is too short for the folds.
 */
export function splitFolds(prices: Prices, cut: Cut, { folds, foldDays, validation }: FoldOptions): TimeSplit[] {
  const { from, to } = windowRows(prices, cut);
  const gap = cut.horizon - 1;
  const before = to - from - folds * foldDays;
  const least = LEAST_WINDOWS + 2 * gap;
  if (before < least) {
    throw new RangeError(
      `Cannot test on ${prices.file}: there must be at least ${least} windows before ${folds} folds of ${foldDays} days, ` +
        `got ${Math.max(0, before)}; try fewer --folds or --fold-days`,
    );
  }
  const shift = (part: Part) => ({ from: from + part.from, to: from + part.to });
  return rollingOrigin(to - from, { folds, test: foldDays, gap }).map(({ train, test }) => {
    checkTestPart(prices, test, cut.horizon);
    const held = Math.max(1, Math.round((train.to - train.from) * validation));
    return {
      train: shift({ from: train.from, to: train.to - held - gap }),
      validation: shift({ from: train.to - held, to: train.to }),
      test: shift(test),
    };
  });
}
