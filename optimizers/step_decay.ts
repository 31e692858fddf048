import { checkCount, checkRange } from "./_check.ts";
import type { Schedule } from "./plugin.ts";

/** Options for {@linkcode stepDecay}. */
export interface StepDecayOptions {
  /** Steps from one fall to the next, T. */
  every: number;
  /**
   * What the rate is multiplied with, f.
   *
   * @default {0.1}
   */
  factor?: number;
}

/**
 * A rate that falls every T steps: η(t) = η₀·f^⌊(t − 1)/T⌋.
 *
 * @param initialRate η₀.
 * @throws {RangeError} If the initial rate or f is negative, or T no integer of 1 or more.
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
  checkCount("stepDecay", "every", every);
  checkRange("stepDecay", "factor", factor, 0, Infinity);
  return (step) => initialRate * factor ** Math.floor((step - 1) / every);
}
