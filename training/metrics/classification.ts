import { checkCounts } from "@unfold/core/support";
import { checkPairs } from "../_check.ts";

/** Throws a `RangeError` unless there is one predicted class for each actual one, and all are integers of 0 or more. */
function checkClasses(predicted: ArrayLike<number>, actual: ArrayLike<number>): void {
  checkPairs(predicted, actual);
  for (const [list, values] of Object.entries({ predicted, actual })) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (Number.isInteger(value) && value >= 0) continue;
      throw new RangeError(`Cannot compare classes: ${list}[${i}] must be an integer of 0 or more, got ${value}`);
    }
  }
}

/**
 * The share of classes that were predicted: |{i: pᵢ = aᵢ}|/n.
 *
 * @param predicted p, such as what `argmax` gives.
 * @param actual a, equally many.
 * @returns From 0 to 1.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, or a class is no integer of 0 or more.
 *
 * @example
 * ```ts
 * import { accuracy } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(accuracy([0, 1, 1, 2], [0, 1, 2, 2]), 0.75);
 * ```
 */
export function accuracy(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  checkClasses(predicted, actual);
  let right = 0;
  for (let i = 0; i < actual.length; i++) if (predicted[i] === actual[i]) right++;
  return right / actual.length;
}

/** How often each class was taken for each. */
export interface ConfusionMatrix {
  /** The classes that occur, predicted or actual, in ascending order. */
  readonly classes: readonly number[];
  /** counts[i][j] is how often `classes[i]` was predicted as `classes[j]`. */
  readonly counts: readonly (readonly number[])[];
}

/**
 * Counts which class was taken for which: a row for each actual class, a column for each predicted one, as in scikit-learn.
 *
 * @param predicted Predicted classes.
 * @param actual Actual classes, equally many.
 * @returns The counts, and the classes of their rows and columns.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, or a class is no integer of 0 or more.
 *
 * @example
 * ```ts
 * import { confusionMatrix } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const { classes, counts } = confusionMatrix([1, 5, 5], [1, 1, 5]);
 * assert.deepEqual(classes, [1, 5]);
 * assert.deepEqual(counts, [[1, 1], [0, 1]]);
 * ```
 */
export function confusionMatrix(predicted: ArrayLike<number>, actual: ArrayLike<number>): ConfusionMatrix {
  checkClasses(predicted, actual);
  const classes = [...new Set([...Array.from(predicted), ...Array.from(actual)])].sort((a, b) => a - b);
  const indices = new Map(classes.map((value, index) => [value, index]));
  const counts = classes.map(() => classes.map(() => 0));
  for (let i = 0; i < actual.length; i++) counts[indices.get(actual[i]!)!]![indices.get(predicted[i]!)!]!++;
  return { classes, counts };
}

/**
 * Macro-averaged F₁: the mean over classes of 2·TP/(2·TP + FP + FN), the harmonic mean of precision and recall, each class
 * that occurs, predicted or actual, counting alike (Sokolova and Lapalme, 2009; the mean of F₁ as scikit-learn takes it).
 *
 * @param predicted Predicted classes.
 * @param actual Actual classes, equally many.
 * @returns From 0 to 1.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, or a class is no integer of 0 or more.
 *
 * @example
 * ```ts
 * import { macroF1 } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(macroF1([0, 0, 0, 1], [0, 0, 1, 1]), (4 / 5 + 2 / 3) / 2);
 * ```
 */
export function macroF1(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  const { counts } = confusionMatrix(predicted, actual);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  // A class's row and column add up to 2·TP + FP + FN, which is above 0 as the class occurs.
  return sum(counts.map((row, i) => 2 * row[i]! / (sum(row) + sum(counts.map((other) => other[i]!))))) / counts.length;
}

/** Options for {@linkcode directionalAccuracy}. */
export interface DirectionalAccuracyOptions {
  /**
   * How sure the interval is to hold the true accuracy.
   *
   * @default {0.95}
   */
  confidence?: number;
  /**
   * Over how many steps each change goes, h: changes from one step to the next then overlap, and the interval counts n/h of them.
   *
   * @default {1}
   */
  horizon?: number;
}

/** How often the direction was right. */
export interface DirectionalAccuracy {
  /** k/n, the share of changes whose sign was predicted. */
  readonly accuracy: number;
  /** Where the confidence interval starts. */
  readonly low: number;
  /** Where the confidence interval ends. */
  readonly high: number;
  /** n, the actual changes that are not 0. */
  readonly count: number;
}

/**
 * How often a change, such as a return, was predicted with the right sign, k of n times, with the confidence interval of
 * Wilson (1927): (p̂ + z²/2n ± z·√(p̂(1 − p̂)/n + z²/4n²))/(1 + z²/n) with p̂ = k/n, and z of the normal distribution. An
 * interval that holds 0.5 is what guessing may give; it takes the changes as independent, n/h of them with a horizon of h.
 *
 * Actual changes of 0 have no direction and are left out; a predicted change of 0 is wrong.
 *
 * @param predicted Predicted changes.
 * @param actual Actual changes, equally many.
 * @param options The interval's confidence.
 * @returns Accuracy, interval and n.
 * @throws {RangeError} If there is nothing to compare, the lists have different lengths, a number is not finite, all actual
 * changes are 0, the confidence does not lie between 0 and 1, or the horizon is no integer of 1 or more.
 *
 * @example
 * ```ts
 * import { directionalAccuracy } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const { accuracy, low, high, count } = directionalAccuracy([1, 2, -1, 3, 1], [0.5, 1, -2, -1, 0]);
 * assert.deepEqual([accuracy, count], [0.75, 4]);
 * assert.ok(low < 0.5 && 0.5 < high);
 * ```
 */
export function directionalAccuracy(
  predicted: ArrayLike<number>,
  actual: ArrayLike<number>,
  options: DirectionalAccuracyOptions = {},
): DirectionalAccuracy {
  const { confidence = 0.95, horizon = 1 } = options;
  checkPairs(predicted, actual);
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`Cannot judge directions: confidence must be above 0 and below 1, got ${confidence}`);
  }
  checkCounts("judge directions", { horizon });
  let [right, count] = [0, 0];
  for (let i = 0; i < actual.length; i++) {
    if (actual[i] === 0) continue;
    count++;
    if (Math.sign(predicted[i]!) === Math.sign(actual[i]!)) right++;
  }
  if (count === 0) throw new RangeError("Cannot judge directions: one actual change at least must not be 0, got none");
  const accuracy = right / count;
  const z = normalBound(confidence);
  const n = count / horizon;
  const centre = accuracy + z ** 2 / (2 * n);
  const margin = z * Math.sqrt(accuracy * (1 - accuracy) / n + (z / (2 * n)) ** 2);
  const scale = 1 + z ** 2 / n;
  // Rounding may take an end past 0 or 1.
  const [low, high] = [Math.max(0, (centre - margin) / scale), Math.min(1, (centre + margin) / scale)];
  return { accuracy, low, high, count };
}

/** The z that a standard normal number lies within, between −z and z, with this probability: by bisection. */
function normalBound(probability: number): number {
  // Within ±9 is 1 in 64-bit floats.
  let [low, high] = [0, 9];
  for (let halving = 0; halving < 60; halving++) {
    const z = (low + high) / 2;
    if (normalWithin(z) < probability) low = z;
    else high = z;
  }
  return low;
}

/** The probability of ±z: 2·φ(z)·(z + z³/3 + z⁵/(3·5) + …) (Marsaglia, 2004). */
function normalWithin(z: number): number {
  let [term, sum] = [z, z];
  for (let k = 3; sum + term > sum; k += 2) {
    term *= z ** 2 / k;
    sum += term;
  }
  return Math.sqrt(2 / Math.PI) * Math.exp(-(z ** 2) / 2) * sum;
}

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
