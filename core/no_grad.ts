import { withoutTape } from "./_tape.ts";

/**
 * Calls a function with the tape off: nothing it computes is recorded, so nothing is saved for a backward.
 *
 * @param f The function; it must not be asynchronous.
 * @returns What it returns.
 *
 * @example
 * ```ts
 * import { multiply, noGrad, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 2], { requiresGrad: true });
 * assert.equal(noGrad(() => multiply(x, x)).requiresGrad, false);
 * ```
 */
export function noGrad<T>(f: () => T): T {
  return withoutTape(f);
}
