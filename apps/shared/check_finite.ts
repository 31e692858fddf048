import type { NamedParameters } from "@unfold/core";

/**
 * Checks that a network can compute: a weight that is not a number makes all that comes out none.
 *
 * @throws {RangeError} If a weight is NaN or infinite.
 */
export function checkFinite(parameters: NamedParameters): void {
  for (const [name, { data }] of Object.entries(parameters)) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw new RangeError(`${name} must be finite, got ${data[at]} at position ${at}`);
  }
}
