import { quoted } from "@unfold/core/support";
import { MinMaxScaler, RobustScaler, type Scaler, StandardScaler } from "./affine.ts";
import { LogScaler } from "./log.ts";

/**
 * Restores a scaler from its saved state.
 *
 * @param state A scaler's `state`, for example parsed from JSON.
 * @returns An equal scaler.
 * @throws {TypeError} If the kind is unknown, or the state is invalid for its kind.
 * @throws {RangeError} If the offset of a `LogScaler` is not a finite number of 0 or more.
 *
 * @example
 * ```ts
 * import { loadScaler, RobustScaler } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const scaler = RobustScaler.fit({ data: Float32Array.of(1, 2, 3), columns: 1 });
 * const loaded = loadScaler(JSON.parse(JSON.stringify(scaler.state)));
 * assert.deepEqual(loaded, scaler);
 * ```
 */
export function loadScaler(state: unknown): Scaler {
  // The constructors check what the state holds.
  const found = Object(state);
  switch (found.kind) {
    case "standard":
      return new StandardScaler(found);
    case "minMax":
      return new MinMaxScaler(found);
    case "robust":
      return new RobustScaler(found);
    case "log":
      return new LogScaler(found);
    default:
      throw new TypeError(
        `Cannot load a scaler: kind must be one of standard, minMax, robust, log, got ${quoted(found.kind)}`,
      );
  }
}
