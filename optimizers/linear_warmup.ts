import { checkCount, checkRange } from "./_check.ts";
import type { Schedule } from "./plugin.ts";

/**
 * A rate that rises evenly: η(t) = η₁·min(1, t/T), from η₁/T at the first step to η₁ at step T and from then on.
 *
 * @param rate η₁.
 * @param steps T.
 * @throws {RangeError} If the rate is negative, or T no integer of 1 or more.
 *
 * @example Warm up over 100 steps, then fall over 900
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
  checkCount("linearWarmup", "steps", steps);
  return (step) => rate * Math.min(1, step / steps);
}
