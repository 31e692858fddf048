import { checkCounts } from "./_check_counts.ts";
import { checkPairs } from "./_check_pairs.ts";

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
