import { checkFraction, checkRange } from "./_check.ts";
import type { Schedule } from "./plugin.ts";

/** Options for {@linkcode cosineDecay}. */
export interface CosineDecayOptions {
  /**
   * The rate at the end, as a fraction of the initial one.
   *
   * @default {0}
   */
  finalFraction?: number;
  /**
   * Start again from the initial rate after each fall, which takes this many times as many steps as the one before.
   *
   * @default {no restarts}
   */
  restartFactor?: number;
}

/**
 * A rate that falls along half a cosine: η(t) = η₀·(f + (1 − f)·(1 + cos(π·min(t − 1, T)/T))/2), from η₀ at the first step
 * to f·η₀ after T steps and from then on; or with warm restarts, the first fall T steps long, the next r·T, r²·T and so on
 * (Loshchilov and Hutter, 2017).
 *
 * @param initialRate η₀.
 * @param steps T.
 * @param options Final fraction f, restart factor r.
 * @throws {RangeError} If the initial rate is negative, there is no step, f does not lie in [0, 1], or r is below 1.
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
  /** How much of a fall is over. */
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
