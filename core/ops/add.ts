import { kernels } from "../_kernels.ts";
import { reduceTo } from "../_reduce_to.ts";
import { defineOp } from "../define_op.ts";
import type { Tensor } from "../tensor.ts";
import { applyBinary } from "./_binary.ts";

/**
 * Sum, elementwise with broadcasting: y = a + b, ∂y/∂a = ∂y/∂b = 1.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { add, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(add(tensor([[1, 2], [3, 4]]), tensor([10, 20])).toArray(), [[11, 22], [13, 24]]);
 * ```
 */
export const add: (a: Tensor, b: Tensor) => Tensor = defineOp("add", (a: Tensor, b: Tensor) => ({
  inputs: [a, b],
  output: applyBinary("add", kernels.add, a, b),
  backward: (dy) => [reduceTo(dy, a.shape), reduceTo(dy, b.shape)],
}));
