import { type Part, splitByTime, type TimeSplit } from "@unfold/training";
import type { Prices } from "./prices.ts";

/** Windows that a series must give at least, to learn from, choose by and test on. */
const LEAST_WINDOWS = 20;

/**
 * Splits the windows of a series in order of time: the rows of the feature table in which the windows of each part end. A
 * window of a later part may look back into an earlier one, as it would in life; no window of an earlier part has a target in a
 * later one's time.
 *
 * @param fractions Fractions of all windows for validation and test.
 * @throws {RangeError} If the series is too short.
 */
export function splitWindows(
  { dates, file }: Prices,
  { window, warmUp }: { window: number; warmUp: number },
  fractions: { validation: number; test: number },
): TimeSplit {
  const least = warmUp + window + LEAST_WINDOWS;
  if (dates.length < least) {
    throw new RangeError(
      `Cannot train on ${file}: with a window of ${window} days it must have at least ${least} rows ` +
        `(${warmUp} before the first features, ${window} in a window, ${LEAST_WINDOWS} windows), got ${dates.length}`,
    );
  }
  // The last day has no next day to learn from.
  const end = dates.length - warmUp - 1;
  const from = window - 1;
  const count = end - from;
  // Each part has one window at least.
  const fraction = (wanted: number) => Math.max(wanted, 1 / count);
  const parts = splitByTime(count, { validation: fraction(fractions.validation), test: fraction(fractions.test) });
  const shift = (part: Part) => ({ from: from + part.from, to: from + part.to });
  return { train: shift(parts.train), validation: shift(parts.validation), test: shift(parts.test) };
}
