import { checkRange } from "./_check.ts";
import type { Schedule } from "./plugin.ts";

/** Options for {@linkcode cosineDecay}. */
export interface CosineDecayOptions {
  /**
   * The rate at the end, as a fraction of the initial one.
   *
   * @default {0}
   */
  finalFraction?: number;
}

/**
 * A rate that falls along half a cosine: η(t) = η₀·(f + (1 − f)·(1 + cos(π·min(t − 1, T)/T))/2), from η₀ at the first step
 * to f·η₀ after T steps and from then on (Loshchilov and Hutter, 2017).
 *
 * @param initialRate η₀.
 * @param options Final fraction f.
 * @throws {RangeError} If the initial rate is negative, there is no step, or f does not lie in [0, 1].
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
 * ```
 */
export function cosineDecay(initialRate: number, steps: number, options: CosineDecayOptions = {}): Schedule {
  const { finalFraction = 0 } = options;
  checkRange("cosineDecay", "initialRate", initialRate, 0, Infinity);
  checkRange("cosineDecay", "steps", steps, 1, Infinity);
  checkRange("cosineDecay", "finalFraction", finalFraction, 0, 1 + Number.EPSILON);
  return (step) => {
    const cosine = (1 + Math.cos(Math.PI * Math.min(1, (step - 1) / steps))) / 2;
    return initialRate * (finalFraction + (1 - finalFraction) * cosine);
  };
}
