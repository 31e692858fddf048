import { checkCounts } from "@unfold/core/support";
import { checkPairs } from "../_check.ts";
import { wilsonInterval } from "./proportions.ts";

/** Throws a `RangeError` unless there are as many predicted as actual classes, and all are integers of 0 or more. */
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
 * The fraction of correct predictions: |{i: pᵢ = aᵢ}|/n.
 *
 * @param predicted p, for example from `argmax`.
 * @param actual a, of the same length.
 * @returns From 0 to 1.
 * @throws {RangeError} If the lists are empty or differ in length, or a class is not an integer of 0 or more.
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

/** How often each class was predicted as each class. */
export interface ConfusionMatrix {
  /** The classes that occur, predicted or actual, ascending. */
  readonly classes: readonly number[];
  /** counts[i][j] says how often `classes[i]` was predicted as `classes[j]`. */
  readonly counts: readonly (readonly number[])[];
}

/**
 * Counts pairs of actual and predicted class: one row per actual class, one column per predicted class, as in scikit-learn.
 *
 * @param predicted The predicted classes.
 * @param actual The actual classes, of the same length.
 * @returns The counts, and the classes of their rows and columns.
 * @throws {RangeError} If the lists are empty or differ in length, or a class is not an integer of 0 or more.
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
 * Macro-averaged F₁: the mean of 2·TP/(2·TP + FP + FN), the harmonic mean of precision and recall, over all classes that occur,
 * predicted or actual (Sokolova and Lapalme, 2009; the mean of F₁ as in scikit-learn).
 *
 * @param predicted The predicted classes.
 * @param actual The actual classes, of the same length.
 * @returns From 0 to 1.
 * @throws {RangeError} If the lists are empty or differ in length, or a class is not an integer of 0 or more.
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
  // The row and column of a class add up to 2·TP + FP + FN, which is above 0 because the class occurs.
  return sum(counts.map((row, i) => 2 * row[i]! / (sum(row) + sum(counts.map((other) => other[i]!))))) / counts.length;
}

/**
 * The mean over the actual classes of their recall, the fraction of a class's cases that were predicted right: a large class
 * cannot hide a small one (Brodersen et al., 2010; as in scikit-learn).
 *
 * @param predicted The predicted classes.
 * @param actual The actual classes, of the same length.
 * @returns From 0 to 1.
 * @throws {RangeError} If the lists are empty or differ in length, or a class is not an integer of 0 or more.
 *
 * @example
 * ```ts
 * import { balancedAccuracy } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(balancedAccuracy([0, 0, 0, 0], [0, 0, 0, 1]), 0.5);
 * ```
 */
export function balancedAccuracy(predicted: ArrayLike<number>, actual: ArrayLike<number>): number {
  const { counts } = confusionMatrix(predicted, actual);
  const recalls = counts.flatMap((row, i) => {
    const cases = row.reduce((a, b) => a + b, 0);
    return cases === 0 ? [] : [row[i]! / cases];
  });
  return recalls.reduce((a, b) => a + b, 0) / recalls.length;
}

/** The smallest probability that {@linkcode logLoss} takes, so that one case that was thought impossible is no infinity. */
const LEAST_PROBABILITY = Number.EPSILON;

/**
 * The mean of −ln p over all cases, where p is the probability given to the actual class: how good probabilities are, not only
 * the classes that they favour. Probabilities below 2.2·10⁻¹⁶ count as that, as in scikit-learn.
 *
 * @param probabilities The probabilities of all classes in each case.
 * @param actual The actual classes: positions in the lists of probabilities.
 * @returns 0 for certain and right; ln(classes) if all classes are equally likely.
 * @throws {RangeError} If there are no cases, a class has no probability, or a probability is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { logLoss } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.equal(logLoss([[0.5, 0.5], [0, 1]], [0, 1]), Math.LN2 / 2);
 * ```
 */
export function logLoss(probabilities: readonly ArrayLike<number>[], actual: ArrayLike<number>): number {
  if (actual.length === 0 || probabilities.length !== actual.length) {
    throw new RangeError(
      "Cannot judge probabilities: there must be a list for each actual class, and at least one, got " +
        `${probabilities.length} for ${actual.length}`,
    );
  }
  let total = 0;
  for (let i = 0; i < actual.length; i++) {
    const probability = probabilities[i]![actual[i]!];
    if (!(probability !== undefined && probability >= 0 && probability <= 1)) {
      const got = probability ?? `none for class ${actual[i]}`;
      throw new RangeError(`Cannot judge probabilities: probabilities[${i}] must be from 0 to 1, got ${got}`);
    }
    total -= Math.log(Math.max(LEAST_PROBABILITY, probability));
  }
  return total / actual.length;
}

/** Options for {@linkcode directionalAccuracy}. */
export interface DirectionalAccuracyOptions {
  /**
   * The confidence level of the interval.
   *
   * @default {0.95}
   */
  confidence?: number;
  /**
   * The steps that each change spans, h. Changes at consecutive steps then overlap, and the interval counts n/h of them.
   *
   * @default {1}
   */
  horizon?: number;
}

/** The result of {@linkcode directionalAccuracy}. */
export interface DirectionalAccuracy {
  /** k/n, the fraction of changes whose sign was predicted. */
  readonly accuracy: number;
  /** The lower end of the confidence interval. */
  readonly low: number;
  /** The upper end of the confidence interval. */
  readonly high: number;
  /** n, the number of actual changes that are not 0. */
  readonly count: number;
}

/**
 * How often the sign of a change, such as a return, was predicted correctly: k of n times. The confidence interval is Wilson's
 * (1927): (p̂ + z²/2n ± z·√(p̂(1 − p̂)/n + z²/4n²))/(1 + z²/n) with p̂ = k/n and z of the normal distribution. If it contains 0.5,
 * the result may be luck. It assumes independent changes: n/h of them for a horizon of h.
 *
 * Actual changes of 0 have no direction and do not count. A predicted change of 0 is wrong.
 *
 * @param predicted The predicted changes.
 * @param actual The actual changes, of the same length.
 * @param options The confidence level and the horizon.
 * @returns Accuracy, confidence interval and n.
 * @throws {RangeError} If the lists are empty or differ in length, a value is not finite, all actual changes are 0, the
 * confidence is not between 0 and 1, or the horizon is not a positive integer.
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
  if (count === 0) throw new RangeError("Cannot judge directions: at least one actual change must not be 0, got none");
  return { accuracy: right / count, ...wilsonInterval(right / horizon, count / horizon, { confidence }), count };
}

/** Options for {@linkcode calibration}. */
export interface CalibrationOptions {
  /**
   * The number of bins of equal width.
   *
   * @default {10}
   */
  bins?: number;
}

/** The predictions whose confidence is in one range. */
export interface CalibrationBin {
  /** The lower end of the range, exclusive. */
  readonly from: number;
  /** The upper end of the range, inclusive. */
  readonly to: number;
  /** The number of predictions. */
  readonly count: number;
  /** Their mean confidence; NaN if there are none. */
  readonly confidence: number;
  /** The fraction of correct ones; NaN if there are none. */
  readonly accuracy: number;
}

/** The result of {@linkcode calibration}. */
export interface Calibration {
  /** The expected calibration error, Σ count/n·|accuracy − confidence|: 0 for a perfectly calibrated classifier. */
  readonly error: number;
  /** The bins, ascending. */
  readonly bins: readonly CalibrationBin[];
}

/**
 * Compares a classifier's confidence with its accuracy (Guo et al., 2017, "On calibration of modern neural networks").
 *
 * @param confidences The probability of each predicted class, from 0 to 1.
 * @param right Whether each prediction was right, 1 or 0; of the same length.
 * @param options The number of bins.
 * @throws {RangeError} If the lists are empty or differ in length, a confidence is not in [0, 1], a value of `right` is not
 * 0 or 1, or `bins` is not a positive integer.
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
