/** Options for {@linkcode checkCounts}. */
export interface CheckCountsOptions {
  /**
   * The smallest count allowed.
   *
   * @default {1}
   */
  least?: number;
}

/**
 * Throws unless every count is an integer of 1 or more.
 *
 * @param doing What the caller is doing, as it follows "Cannot" in the message.
 * @param counts The counts by the names that callers know them by.
 * @throws {RangeError} If a count is not an integer, or too small.
 *
 * @example
 * ```ts
 * import { checkCounts } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * const [past, batchSize] = [30, 0];
 * assert.throws(() => checkCounts("make windows", { past, batchSize }), {
 *   name: "RangeError",
 *   message: "Cannot make windows: batchSize must be an integer of 1 or more, got 0",
 * });
 * ```
 */
export function checkCounts(
  doing: string,
  counts: Readonly<Record<string, number>>,
  options: CheckCountsOptions = {},
): void {
  const { least = 1 } = options;
  for (const [name, value] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= least) continue;
    throw new RangeError(`Cannot ${doing}: ${name} must be an integer of ${least} or more, got ${value}`);
  }
}
