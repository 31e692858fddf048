import type { Prices } from "./prices.ts";

/** Windows that a series must give at least, to learn from, choose by and test on. */
const LEAST_WINDOWS = 20;

/** Rows of the feature table in which the windows of each part end: from inclusive, to exclusive. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** The parts of a series, one after the other in time. */
export interface Split {
  readonly train: Part;
  readonly validation: Part;
  readonly test: Part;
}

/**
 * Splits the windows of a series in order of time. A window of a later part may look back into an earlier one, as it would
 * in life; no window of an earlier part has a target in a later one's time.
 *
 * @param fractions Fractions of all windows for validation and test.
 * @throws {RangeError} If the series is too short.
 */
export function splitByTime(
  { dates, file }: Prices,
  { window, warmUp }: { window: number; warmUp: number },
  fractions: { validation: number; test: number },
): Split {
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
  const validation = end - Math.max(1, Math.round(count * fractions.test)) -
    Math.max(1, Math.round(count * fractions.validation));
  const test = end - Math.max(1, Math.round(count * fractions.test));
  return { train: { from, to: validation }, validation: { from: validation, to: test }, test: { from: test, to: end } };
}
