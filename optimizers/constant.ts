import { checkRange } from "./_check.ts";
import type { Schedule } from "./plugin.ts";

/**
 * One rate for all steps; a number does the same for an `Optimizer`, this is for `join`.
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
