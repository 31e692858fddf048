import { checkPositive, checkRange } from "./_check.ts";
import type { Schedule } from "./plugin.ts";

/** Options for {@linkcode exponentialDecay}. */
export interface ExponentialDecayOptions {
  /** What the rate is multiplied with over T steps, f. */
  factor: number;
  /**
   * T.
   *
   * @default {1}
   */
  every?: number;
}

/**
 * A rate that falls by the same fraction at each step: η(t) = η₀·f^((t − 1)/T).
 *
 * @param initialRate η₀.
 * @throws {RangeError} If the initial rate or f is negative, or T not above 0.
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
