import { empty, type TensorOptions } from "./empty.ts";
import type { DType, Shape, Tensor } from "./tensor.ts";

/**
 * A tensor of one value repeated.
 *
 * @example
 * ```ts
 * import { full } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(full([2, 2], 0.5).toArray(), [[0.5, 0.5], [0.5, 0.5]]);
 * ```
 */
export function full<D extends DType = "f32">(
  shape: Shape,
  value: number,
  options: TensorOptions<D> = {},
): Tensor<NoInfer<D>> {
  const made = empty(shape, options);
  made.data.fill(value);
  return made;
}
