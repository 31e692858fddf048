/**
 * Tensors in one WebAssembly memory, a define-by-run tape, and SIMD kernels: the base of Unfold's layers and optimizers.
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

export { defineOp, isGradEnabled, noGrad, type OpResult, willRecord } from "./autograd.ts";
export { type BlasInUse, useBlas } from "./blas.ts";
export { empty, full, keep, tensor, type TensorOptions, zeros } from "./create.ts";
export {
  type HasParameters,
  loadParameters,
  type LoadParametersOptions,
  type LoadReport,
  type PackedParameters,
  packParameters,
  parametersOf,
  type Segment,
} from "./named_parameters.ts";
export { add, divide, maximum, minimum, multiply, negate, power, scale, subtract, where } from "./ops/arithmetic.ts";
export { equal, greater, greaterEqual, less, lessEqual, notEqual } from "./ops/comparison.ts";
export { cast, detach, oneHot, type OneHotOptions } from "./ops/conversion.ts";
export { dropout, type DropoutOptions } from "./ops/dropout.ts";
export {
  abs,
  clamp,
  type ClampBounds,
  exp,
  gelu,
  log,
  relu,
  sigmoid,
  softplus,
  sqrt,
  tanh,
} from "./ops/elementwise.ts";
export {
  concat,
  type ConcatOptions,
  gather,
  type GatherOptions,
  slice,
  type SliceRange,
  stack,
  type StackOptions,
  unstack,
  type UnstackOptions,
} from "./ops/indexing.ts";
export { matmul, type MatmulOptions } from "./ops/matmul.ts";
export { argmax, type ArgmaxOptions, max, type MaxOptions, mean, type ReduceOptions, sum } from "./ops/reduce.ts";
export { reshape, transpose } from "./ops/shape.ts";
export { type AxisOptions, logSoftmax, softmax } from "./ops/softmax.ts";
export { type NamedParameters, Parameter, Slab, uninitialized } from "./parameter.ts";
export { Random, type RandomState } from "./random.ts";
export {
  decodeSafetensors,
  type DecodeSafetensorsOptions,
  encodeSafetensors,
  type EncodeSafetensorsOptions,
  type Float32Values,
  type Safetensors,
  type SafetensorsData,
  type SafetensorsDType,
  SafetensorsError,
  type SafetensorsInput,
  type SafetensorsTensor,
  toFloat32,
} from "./safetensors.ts";
export { type MemoryStats, memoryStats, scope } from "./scope.ts";
export { threadCount, useThreads } from "./threads.ts";
export {
  type DType,
  formatShape,
  type NestedArray,
  type Owner,
  type Shape,
  sizeOf,
  type TapeNode,
  Tensor,
  type TensorData,
} from "./tensor.ts";
