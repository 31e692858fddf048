import type { Tensor } from "../tensor.ts";
import { scale } from "./scale.ts";

/**
 * Negation, elementwise: y = −x, ∂y/∂x = −1.
 *
 * @example
 * ```ts
 * import { negate, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(negate(tensor([1, -2])).toArray(), [-1, 2]);
 * ```
 */
export function negate(x: Tensor): Tensor {
  return scale(x, -1);
}
