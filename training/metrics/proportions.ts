import { checkPairs } from "../_check.ts";

/** Options for {@linkcode wilsonInterval}. */
export interface WilsonIntervalOptions {
  /**
   * The confidence level of the interval.
   *
   * @default {0.95}
   */
  confidence?: number;
}

/** A confidence interval of a proportion, within 0 and 1. */
export interface ProportionInterval {
  /** The lower end. */
  readonly low: number;
  /** The upper end. */
  readonly high: number;
}

/**
 * The confidence interval of a proportion, k of n, by Wilson (1927): (p̂ + z²/2n ± z·√(p̂(1 − p̂)/n + z²/4n²))/(1 + z²/n) with
 * p̂ = k/n and z of the normal distribution. It stays within 0 and 1, and is good for small n and for p̂ near 0 or 1.
 *
 * @param successes k, from 0 to n.
 * @param count n, above 0. It need not be an integer: correlated observations count as fewer.
 * @param options The confidence level.
 * @throws {RangeError} If a number is out of its range.
 *
 * @example
 * ```ts
 * import { wilsonInterval } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const { low, high } = wilsonInterval(81, 263);
 * assert.deepEqual([low.toFixed(4), high.toFixed(4)], ["0.2553", "0.3662"]);
 * ```
 */
export function wilsonInterval(
  successes: number,
  count: number,
  options: WilsonIntervalOptions = {},
): ProportionInterval {
  const { confidence = 0.95 } = options;
  const doing = "make a confidence interval";
  if (!(count > 0 && count < Infinity)) {
    throw new RangeError(`Cannot ${doing}: count must be above 0 and finite, got ${count}`);
  }
  if (!(successes >= 0 && successes <= count)) {
    throw new RangeError(`Cannot ${doing}: successes must be from 0 to ${count}, got ${successes}`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`Cannot ${doing}: confidence must be above 0 and below 1, got ${confidence}`);
  }
  const share = successes / count;
  const z = normalBound(confidence);
  const centre = share + z ** 2 / (2 * count);
  const margin = z * Math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2);
  const scale = 1 + z ** 2 / count;
  // Rounding can move an end past 0 or 1.
  return { low: Math.max(0, (centre - margin) / scale), high: Math.min(1, (centre + margin) / scale) };
}

/** The z for which a standard normal variable is between −z and z with this probability, by bisection. */
function normalBound(probability: number): number {
  // The probability of ±9 is 1 in 64-bit floats.
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

/** The result of {@linkcode mcNemar}. */
export interface McNemar {
  /** The number of cases that only the first got right. */
  readonly onlyFirst: number;
  /** The number of cases that only the second got right. */
  readonly onlySecond: number;
  /** The probability of a difference at least this large if both are equally good: the p-value, two-sided. */
  readonly p: number;
}

/**
 * McNemar's exact test (1947) of whether two classifiers are equally good, by their predictions for the same cases. Only the n cases
 * that one of them got right count. If both are equally good, each of these is right by the first or the second with the same
 * probability, so p = min(1, 2·Σ(k ≤ m) C(n, k)/2ⁿ) with m the smaller of the two numbers of cases.
 *
 * @param first Whether the first classifier was right in each case, 1 or 0.
 * @param second The same of the second one, for the same cases.
 * @throws {RangeError} If the lists are empty or differ in length, or a value is not 0 or 1.
 *
 * @example
 * ```ts
 * import { mcNemar } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const { onlyFirst, onlySecond, p } = mcNemar([1, 1, 1, 1, 0, 1], [0, 0, 0, 1, 0, 1]);
 * assert.deepEqual([onlyFirst, onlySecond, p.toFixed(6)], [3, 0, "0.250000"]);
 * ```
 */
export function mcNemar(first: ArrayLike<number>, second: ArrayLike<number>): McNemar {
  checkPairs(first, second);
  let [onlyFirst, onlySecond] = [0, 0];
  for (let i = 0; i < first.length; i++) {
    for (const [name, value] of [["first", first[i]!], ["second", second[i]!]] as const) {
      if (value === 0 || value === 1) continue;
      throw new RangeError(`Cannot compare classifiers: ${name}[${i}] must be 0 or 1, got ${value}`);
    }
    if (first[i]! > second[i]!) onlyFirst++;
    if (first[i]! < second[i]!) onlySecond++;
  }
  return { onlyFirst, onlySecond, p: signTest(onlyFirst, onlyFirst + onlySecond) };
}

/**
 * The sign test of whether one of two methods is better more often than the other: the probability that of n pairs, each of
 * which either method wins with the same chance, at least as many go to one method as did,
 *
 *     p = min(1, 2·P(X ≤ min(w, n − w))),   X ~ Binomial(n, ½)
 *
 * It takes the pairs as independent, such as different series, and says nothing about how much better a method is (Dixon and
 * Mood, 1946).
 *
 * @param wins w, the pairs in which the first method is better.
 * @param pairs n, all pairs; leave out those in which both are equal.
 * @returns p, 1 for no pairs.
 * @throws {RangeError} If the counts are not integers with 0 ≤ w ≤ n.
 *
 * @example
 * ```ts
 * import { signTest } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * assert.ok(Math.abs(signTest(9, 10) - 22 / 1024) < 1e-12);
 * assert.ok(signTest(55, 100) > 0.05);
 * ```
 */
export function signTest(wins: number, pairs: number): number {
  if (!Number.isInteger(pairs) || pairs < 0) {
    throw new RangeError(`Cannot compare methods: pairs must be an integer of 0 or more, got ${pairs}`);
  }
  if (!Number.isInteger(wins) || wins < 0 || wins > pairs) {
    throw new RangeError(`Cannot compare methods: wins must be an integer from 0 to ${pairs}, got ${wins}`);
  }
  const [m, n] = [Math.min(wins, pairs - wins), pairs];
  // The last term is the largest. Its logarithm does not underflow.
  let log = -n * Math.LN2;
  for (let k = 1; k <= m; k++) log += Math.log((n - k + 1) / k);
  let [term, sum] = [1, 0];
  for (let k = m; k >= 0 && sum + term > sum; k--) {
    sum += term;
    term *= k / (n - k + 1);
  }
  return Math.min(1, 2 * sum * Math.exp(log));
}
