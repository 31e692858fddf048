import type { Initializer } from "./glorot_uniform.ts";

/**
 * One value for all: 0 for zeros, 1 for a gain.
 *
 * @param value The value.
 * @throws {RangeError} If the value is not finite.
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
  if (!Number.isFinite(value)) {
    throw new RangeError(`Cannot initialize with a constant: value must be a finite number, got ${value}`);
  }
  return (data) => void data.fill(value);
}
