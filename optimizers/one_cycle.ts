import { checkCount, checkFraction, checkPositive, checkRange } from "./_check.ts";
import type { Schedule } from "./plugin.ts";

/** Options for {@linkcode oneCycle}; defaults as in PyTorch. */
export interface OneCycleOptions {
  /**
   * Which part of the steps the rate rises in.
   *
   * @default {0.3}
   */
  riseFraction?: number;
  /**
   * How many times smaller than the largest rate the first one is.
   *
   * @default {25}
   */
  initialDivisor?: number;
  /**
   * How many times smaller than the first rate the last one is.
   *
   * @default {1e4}
   */
  finalDivisor?: number;
}

/**
 * A rate that rises along half a cosine, from η₁/25 to η₁, and falls along a longer one, to almost nothing (Smith and Topin,
 * 2018; PyTorch's `OneCycleLR`).
 *
 * @param largestRate η₁.
 * @param steps All steps, after which the rate stays as it is.
 * @throws {RangeError} If the rate is negative, there is no step, the fraction does not lie in [0, 1], or a divisor is not above 0.
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
  checkCount("oneCycle", "steps", steps);
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
