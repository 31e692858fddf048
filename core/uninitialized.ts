let skipping = 0;

/** Whether parameters are being made whose first values do not matter. */
export function isSkippingInitialization(): boolean {
  return skipping > 0;
}

/**
 * Builds a model whose first weights are left at 0, because others are about to be loaded: for large models, drawing them
 * takes longer than loading.
 *
 * @param build Makes the model; it must not be asynchronous.
 * @returns What it returns.
 *
 * @example
 * ```ts
 * import { Parameter, uninitialized } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const weight = uninitialized(() => new Parameter([2], (data) => data.fill(7)));
 * assert.deepEqual(weight.toArray(), [0, 0]);
 * ```
 */
export function uninitialized<T>(build: () => T): T {
  skipping++;
  try {
    return build();
  } finally {
    skipping--;
  }
}
