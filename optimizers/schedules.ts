import { checkCounts } from "@unfold/core/support";
import { checkFraction, checkPositive, checkRange } from "./_check.ts";
import type { Schedule } from "./plugin.ts";

/**
 * The same rate for all steps, for use in `join`; an `Optimizer` also takes a number.
 *
 * @param rate The rate.
 * @throws {RangeError} If the rate is negative or not finite.
 *
 * @example
 * ```ts
 * import { constant } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * assert.equal(constant(0.1)(1000), 0.1);
 * ```
 */
export function constant(rate: number): Schedule {
  checkRange("constant", "rate", rate, 0, Infinity);
  return () => rate;
}

/** Options for {@linkcode stepDecay}. */
export interface StepDecayOptions {
  /** The number of steps between decays, T. */
  every: number;
  /**
   * The factor on the rate at each decay, f.
   *
   * @default {0.1}
   */
  factor?: number;
}

/**
 * A rate that drops every T steps: η(t) = η₀·f^⌊(t − 1)/T⌋.
 *
 * @param initialRate η₀.
 * @throws {RangeError} If the initial rate or f is negative, or T is not an integer of 1 or more.
 *
 * @example
 * ```ts
 * import { stepDecay } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const schedule = stepDecay(8, { every: 10, factor: 0.5 });
 * assert.deepEqual([1, 10, 11, 21].map(schedule), [8, 8, 4, 2]);
 * ```
 */
export function stepDecay(initialRate: number, options: StepDecayOptions): Schedule {
  const { every, factor = 0.1 } = options;
  checkRange("stepDecay", "initialRate", initialRate, 0, Infinity);
  checkCounts("make stepDecay", { every });
  checkRange("stepDecay", "factor", factor, 0, Infinity);
  return (step) => initialRate * factor ** Math.floor((step - 1) / every);
}

/** Options for {@linkcode exponentialDecay}. */
export interface ExponentialDecayOptions {
  /** The factor on the rate over T steps, f. */
  factor: number;
  /**
   * The number of steps T.
   *
   * @default {1}
   */
  every?: number;
}

/**
 * A rate that decays by the same factor at each step: η(t) = η₀·f^((t − 1)/T).
 *
 * @param initialRate η₀.
 * @throws {RangeError} If the initial rate or f is negative, or T is not above 0.
 *
 * @example
 * ```ts
 * import { exponentialDecay } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const schedule = exponentialDecay(8, { factor: 0.25, every: 2 });
 * assert.deepEqual([1, 2, 3].map(schedule), [8, 4, 2]);
 * ```
 */
export function exponentialDecay(initialRate: number, options: ExponentialDecayOptions): Schedule {
  const { factor, every = 1 } = options;
  checkRange("exponentialDecay", "initialRate", initialRate, 0, Infinity);
  checkRange("exponentialDecay", "factor", factor, 0, Infinity);
  checkPositive("exponentialDecay", "every", every);
  return (step) => initialRate * factor ** ((step - 1) / every);
}

/** Options for {@linkcode cosineDecay}. */
export interface CosineDecayOptions {
  /**
   * The rate at the end, as a fraction of the initial one.
   *
   * @default {0}
   */
  finalFraction?: number;
  /**
   * Restarts from the initial rate after each cycle, and makes each cycle this many times longer than the last.
   *
   * @default {no restarts}
   */
  restartFactor?: number;
}

/**
 * A rate that falls along half a cosine: η(t) = η₀·(f + (1 − f)·(1 + cos(π·min(t − 1, T)/T))/2), from η₀ at the first step to
 * f·η₀ after T steps, where it stays. With warm restarts, the first cycle takes T steps, the next ones r·T, r²·T and so on
 * (Loshchilov and Hutter, 2017).
 *
 * @param initialRate η₀.
 * @param steps T.
 * @param options The final fraction f and the restart factor r.
 * @throws {RangeError} If the initial rate is negative, T or r is below 1, or f is not in [0, 1].
 *
 * @example
 * ```ts
 * import { cosineDecay } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const schedule = cosineDecay(0.1, 100);
 * assert.equal(schedule(1), 0.1);
 * assert.ok(Math.abs(schedule(51) - 0.05) < 1e-12);
 * assert.equal(schedule(1000), 0);
 *
 * const restarting = cosineDecay(0.1, 100, { restartFactor: 2 });
 * assert.deepEqual([1, 101, 301].map(restarting), [0.1, 0.1, 0.1]);
 * ```
 */
export function cosineDecay(initialRate: number, steps: number, options: CosineDecayOptions = {}): Schedule {
  const { finalFraction = 0, restartFactor } = options;
  checkRange("cosineDecay", "initialRate", initialRate, 0, Infinity);
  checkRange("cosineDecay", "steps", steps, 1, Infinity);
  checkFraction("cosineDecay", "finalFraction", finalFraction);
  if (restartFactor !== undefined) checkRange("cosineDecay", "restartFactor", restartFactor, 1, Infinity);
  /** The fraction of the current cycle that is done. */
  const progress = (done: number): number => {
    if (restartFactor === undefined) return Math.min(1, done / steps);
    if (restartFactor === 1) return (done % steps) / steps;
    let [start, length] = [0, steps];
    for (; done >= start + length; length *= restartFactor) start += length;
    return (done - start) / length;
  };
  return (step) => {
    const cosine = (1 + Math.cos(Math.PI * progress(step - 1))) / 2;
    return initialRate * (finalFraction + (1 - finalFraction) * cosine);
  };
}

/**
 * A rate that rises linearly: η(t) = η₁·min(1, t/T), from η₁/T at the first step to η₁ at step T, where it stays.
 *
 * @param rate η₁.
 * @param steps T.
 * @throws {RangeError} If the rate is negative, or T is not an integer of 1 or more.
 *
 * @example Warm up over 100 steps, then decay over 900
 * ```ts
 * import { cosineDecay, join, linearWarmup } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const schedule = join([linearWarmup(0.1, 100), cosineDecay(0.1, 900)], [100]);
 * assert.ok(Math.abs(schedule(50) - 0.05) < 1e-12);
 * assert.deepEqual([100, 101, 1001].map(schedule), [0.1, 0.1, 0]);
 * ```
 */
export function linearWarmup(rate: number, steps: number): Schedule {
  checkRange("linearWarmup", "rate", rate, 0, Infinity);
  checkCounts("make linearWarmup", { steps });
  return (step) => rate * Math.min(1, step / steps);
}

/** Options for {@linkcode oneCycle}; defaults as in PyTorch. */
export interface OneCycleOptions {
  /**
   * The fraction of the steps in which the rate rises.
   *
   * @default {0.3}
   */
  riseFraction?: number;
  /**
   * The largest rate divided by the first one.
   *
   * @default {25}
   */
  initialDivisor?: number;
  /**
   * The first rate divided by the last one.
   *
   * @default {1e4}
   */
  finalDivisor?: number;
}

/**
 * A rate that rises along half a cosine from η₁/25 to η₁, then falls along a longer one to almost 0 (Smith and Topin, 2018;
 * PyTorch's `OneCycleLR`).
 *
 * @param largestRate η₁.
 * @param steps The number of steps, after which the rate stays constant.
 * @throws {RangeError} If the rate is negative, `steps` is not an integer of 1 or more, the fraction is not in [0, 1], or a divisor is
 * not above 0.
 *
 * @example
 * ```ts
 * import { oneCycle } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const schedule = oneCycle(0.5, 100);
 * const rates = Array.from({ length: 100 }, (_, i) => schedule(i + 1));
 * assert.equal(rates.indexOf(Math.max(...rates)), 29);
 * assert.ok(Math.abs(rates[0]! - 0.02) < 1e-12 && rates[99]! < 1e-5);
 * ```
 */
export function oneCycle(largestRate: number, steps: number, options: OneCycleOptions = {}): Schedule {
  const { riseFraction = 0.3, initialDivisor = 25, finalDivisor = 1e4 } = options;
  checkRange("oneCycle", "largestRate", largestRate, 0, Infinity);
  checkCounts("make oneCycle", { steps });
  checkFraction("oneCycle", "riseFraction", riseFraction);
  checkPositive("oneCycle", "initialDivisor", initialDivisor);
  checkPositive("oneCycle", "finalDivisor", finalDivisor);
  const first = largestRate / initialDivisor;
  const last = first / finalDivisor;
  const top = riseFraction * steps - 1;
  const between = (from: number, to: number, part: number) => to + (from - to) * (1 + Math.cos(Math.PI * part)) / 2;
  return (step) => {
    const done = Math.min(step, steps) - 1;
    if (done < top) return between(first, largestRate, done / top);
    return between(largestRate, last, steps - 1 > top ? (done - top) / (steps - 1 - top) : 0);
  };
}

/**
 * Runs schedules one after another. Each counts its steps from 1.
 *
 * @param schedules The schedules.
 * @param boundaries The last step of each schedule except the last.
 * @throws {RangeError} If there is not one boundary fewer than schedules, or they are not increasing integers of 1 or more.
 *
 * @example
 * ```ts
 * import { constant, join, stepDecay } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const schedule = join([constant(1), stepDecay(4, { every: 2, factor: 0.5 })], [3]);
 * assert.deepEqual([1, 2, 3, 4, 5, 6].map(schedule), [1, 1, 1, 4, 4, 2]);
 * ```
 */
export function join(schedules: readonly Schedule[], boundaries: readonly number[]): Schedule {
  const rising = boundaries.every((boundary, i) =>
    Number.isSafeInteger(boundary) && boundary > (boundaries[i - 1] ?? 0)
  );
  if (!rising || boundaries.length !== schedules.length - 1) {
    const [wanted, got] = [Math.max(0, schedules.length - 1), JSON.stringify(boundaries)];
    throw new RangeError(
      `Cannot join schedules: boundaries must be ${wanted} increasing integers of 1 or more, got ${got}`,
    );
  }
  return (step) => {
    const index = boundaries.filter((boundary) => boundary < step).length;
    return schedules[index]!(step - (boundaries[index - 1] ?? 0));
  };
}
