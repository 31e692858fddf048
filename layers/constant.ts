import type { Initializer } from "./glorot_uniform.ts";

/**
 * One value for all: 0 for zeros, 1 for a gain.
 *
 * @param value The value.
 *
 * @example
 * ```ts
 * import { constant, LSTM } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const lstm = new LSTM({ inputSize: 2, hiddenSize: 3, recurrentInitializer: constant(0) });
 * assert.ok(lstm.recurrentWeight.data.every((value) => value === 0));
 * ```
 */
export function constant(value: number): Initializer {
  return (data) => void data.fill(value);
}
