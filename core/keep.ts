import { empty } from "./empty.ts";
import type { DType, Tensor } from "./tensor.ts";

/**
 * A copy that outlives the current scope, off the tape. Release it with {@linkcode Tensor.dispose}, or let it be collected.
 *
 * @example
 * ```ts
 * import { keep, scope, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * function compute() {
 *   using _ = scope();
 *   return keep(tensor([1, 2]));
 * }
 * assert.deepEqual(compute().toArray(), [1, 2]);
 * ```
 */
export function keep<D extends DType>(x: Tensor<D>): Tensor<D> {
  const kept = empty(x.shape, { dtype: x.dtype, persistent: true });
  kept.data.set(x.data);
  return kept;
}
