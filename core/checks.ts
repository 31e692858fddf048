import { quoted } from "./printable.ts";

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
    throw new RangeError(`Cannot ${doing}: ${name} must be an integer of ${least} or more, got ${describe(value)}`);
  }
}

/**
 * A value as messages show it: numbers and short text as they are, other values by their kind.
 *
 * @example
 * ```ts
 * import { describe } from "@unfold/core/support";
 * import assert from "node:assert/strict";
 *
 * assert.equal(describe(3), "3");
 * assert.equal(describe([1, 2]), "an array of length 2");
 * assert.equal(describe(new Map()), "an object of class Map");
 * ```
 */
export function describe(value: unknown): string {
  if (typeof value === "string") return quoted(value, 40);
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`;
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  const name = (value as object).constructor?.name ?? "Object";
  return name === "Object" ? "an object" : `an object of class ${name}`;
}

/** Returns a function's result, unless the function has yet to run: it was asynchronous, or a generator. */
export function refuseLater<T>(doing: string, result: T): T {
  if (typeof result !== "object" || result === null) return result;
  const isPromise = typeof (result as { then?: unknown }).then === "function";
  // By its tag: an object of the caller's may well have a method next().
  if (!isPromise && !/^\[object (Async)?Generator\]$/.test(Object.prototype.toString.call(result))) return result;
  // Its own error would only distract.
  if (isPromise) Promise.resolve(result).catch(() => {});
  throw new TypeError(
    `Cannot ${doing}: the function must not be asynchronous or a generator, got one that returns ` +
      `${isPromise ? "a promise" : "a generator"}; await first, and pass a function that only computes`,
  );
}
