import { checkCounts } from "./_check_counts.ts";
import { checkPairs } from "./_check_pairs.ts";

/** Options for {@linkcode calibration}. */
export interface CalibrationOptions {
  /**
   * Ranges of equal width that confidences are sorted into.
   *
   * @default {10}
   */
  bins?: number;
}

/** The predictions whose confidence lies in one range. */
export interface CalibrationBin {
  /** Where the range starts; it holds what is above. */
  readonly from: number;
  /** Where it ends; it holds what is equal. */
  readonly to: number;
  /** How many predictions there are. */
  readonly count: number;
  /** Their mean confidence; NaN where there are none. */
  readonly confidence: number;
  /** The share of them that is right; NaN where there are none. */
  readonly accuracy: number;
}

/** What {@linkcode calibration} returns. */
export interface Calibration {
  /** The expected calibration error, Σ count/n·|accuracy − confidence|: 0 where confidence is what it says. */
  readonly error: number;
  /** The ranges. */
  readonly bins: readonly CalibrationBin[];
}

/**
 * Whether a classifier is as often right as it is sure (Guo et al., 2017, "On calibration of modern neural networks").
 *
 * @param confidences The probability that it gave to the class that it predicted, from 0 to 1.
 * @param right Whether it was right: 1 or 0, equally many.
 * @param options The number of bins.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, a confidence does not lie in [0, 1],
 * `right` holds anything but 0 and 1, or `bins` is no integer of 1 or more.
 *
 * @example
 * ```ts
 * import { calibration } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const { error, bins } = calibration([0.75, 0.75, 0.75, 0.75], [1, 1, 1, 0], { bins: 2 });
 * assert.equal(error, 0);
 * assert.deepEqual(bins[1], { from: 0.5, to: 1, count: 4, confidence: 0.75, accuracy: 0.75 });
 * ```
 */
export function calibration(
  confidences: ArrayLike<number>,
  right: ArrayLike<number>,
  options: CalibrationOptions = {},
): Calibration {
  const { bins: count = 10 } = options;
  checkCounts("judge a calibration", { bins: count });
  checkPairs(confidences, right);
  const sums = Array.from({ length: count }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (let i = 0; i < confidences.length; i++) {
    const [confidence, isRight] = [confidences[i]!, right[i]!];
    if (!(confidence >= 0 && confidence <= 1)) {
      throw new RangeError(`Cannot judge a calibration: confidences[${i}] must be from 0 to 1, got ${confidence}`);
    }
    if (isRight !== 0 && isRight !== 1) {
      throw new RangeError(`Cannot judge a calibration: right[${i}] must be 0 or 1, got ${isRight}`);
    }
    const sum = sums[Math.max(0, Math.ceil(confidence * count) - 1)]!;
    sum.count++;
    sum.confidence += confidence;
    sum.right += isRight;
  }
  const bins = sums.map(({ count: n, confidence, right }, i) => ({
    from: i / count,
    to: (i + 1) / count,
    count: n,
    confidence: confidence / n,
    accuracy: right / n,
  }));
  const error = sums.reduce((total, { confidence, right }) => total + Math.abs(right - confidence), 0);
  return { error: error / confidences.length, bins };
}
