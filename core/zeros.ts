import type { TensorOptions } from "./empty.ts";
import { full } from "./full.ts";
import type { DType, Shape, Tensor } from "./tensor.ts";

/**
 * A tensor of zeros.
 *
 * @example
 * ```ts
 * import { zeros } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(zeros([3]).toArray(), [0, 0, 0]);
 * ```
 */
export function zeros<D extends DType = "f32">(shape: Shape, options: TensorOptions<D> = {}): Tensor<NoInfer<D>> {
  return full(shape, 0, options);
}
