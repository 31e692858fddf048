/**
 * Tensors in one WebAssembly memory, a define-by-run tape, and SIMD kernels: what the layers and optimizers of Unfold are
 * built on.
 *
 * @example The gradient of a small expression
 * ```ts
 * import { add, matmul, mean, multiply, Parameter, scope, subtract, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([1, 1]);
 * for (let step = 0; step < 50; step++) {
 *   using _ = scope();
 *   const x = tensor([[1], [2], [3]]);
 *   const error = subtract(matmul(x, weight), tensor([[2], [4], [6]]));
 *   mean(multiply(error, error)).backward();
 *   weight.data[0]! -= 0.05 * weight.grad.item();
 *   weight.zeroGrad();
 * }
 * assert.ok(Math.abs(weight.item() - 2) < 1e-4);
 * ```
 *
 * @module
 */

export * from "./define_op.ts";
export { empty, type TensorOptions } from "./empty.ts";
export * from "./from_values.ts";
export * from "./full.ts";
export * from "./keep.ts";
export * from "./load_parameters.ts";
export * from "./memory_stats.ts";
export * from "./no_grad.ts";
export * from "./ops/abs.ts";
export * from "./ops/add.ts";
export * from "./ops/argmax.ts";
export * from "./ops/clamp.ts";
export * from "./ops/concat.ts";
export * from "./ops/divide.ts";
export * from "./ops/dropout.ts";
export * from "./ops/exp.ts";
export * from "./ops/gather.ts";
export * from "./ops/gelu.ts";
export * from "./ops/log.ts";
export * from "./ops/log_softmax.ts";
export * from "./ops/matmul.ts";
export * from "./ops/max.ts";
export * from "./ops/maximum.ts";
export * from "./ops/mean.ts";
export * from "./ops/multiply.ts";
export * from "./ops/negate.ts";
export * from "./ops/power.ts";
export * from "./ops/relu.ts";
export * from "./ops/reshape.ts";
export * from "./ops/scale.ts";
export * from "./ops/sigmoid.ts";
export * from "./ops/slice.ts";
export * from "./ops/softmax.ts";
export * from "./ops/softplus.ts";
export * from "./ops/sqrt.ts";
export * from "./ops/stack.ts";
export * from "./ops/subtract.ts";
export * from "./ops/sum.ts";
export * from "./ops/tanh.ts";
export * from "./ops/transpose.ts";
export * from "./ops/where.ts";
export * from "./pack_parameters.ts";
export * from "./parameter.ts";
export * from "./random.ts";
export * from "./safetensors.ts";
export { scope } from "./scope.ts";
export * from "./slab.ts";
export * from "./tensor.ts";
export type { ReduceOptions } from "./_axes.ts";
export type { AxisOptions } from "./ops/_rows.ts";
export type { TapeNode } from "./_tape.ts";
export { uninitialized } from "./uninitialized.ts";
export * from "./use_blas.ts";
export * from "./will_record.ts";
export * from "./zeros.ts";
