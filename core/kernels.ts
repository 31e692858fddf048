/**
 * For authors of kernels: the memory, a loader, and the matrix product on raw memory.
 *
 * Kernels are WebAssembly modules that import the shared memory and take byte offsets into it, from tensors
 * ({@linkcode Tensor.offset}) or from typed arrays over the memory (`params.byteOffset`).
 *
 * @example
 * ```ts
 * import { scope, tensor, zeros } from "@unfold/core";
 * import { gemm, rightOperand } from "@unfold/core/kernels";
 * import assert from "node:assert/strict";
 *
 * using _ = scope();
 * const a = tensor([[1, 2], [3, 4]]);
 * const b = tensor([[1, 0], [1, 1]]);
 * const c = zeros([2, 2]);
 * const right = rightOperand({ k: 2, n: 2, offset: b.offset, stride: 2 });
 * gemm({ m: 2, a: a.offset, aStride: 2, b: right, c: c.offset, cStride: 2 });
 * assert.deepEqual(c.toArray(), [[3, 2], [7, 4]]);
 * ```
 *
 * @module
 */

export {
  type BinaryKernel,
  type CoreKernels,
  type GradientKernel,
  kernels as coreKernels,
  type UnaryKernel,
} from "./core_kernels.ts";
export {
  type Gemm,
  gemm,
  packFor,
  type RightMatrix,
  type RightOperand,
  rightOperand,
  type RightOperandOptions,
} from "./gemm.ts";
export { bytesFromText } from "./kernel_text.ts";
export { type KernelBuilds, loadKernels, type LoadKernelsOptions } from "./load_kernels.ts";
export { memory, reserve, view } from "./memory.ts";
export { sumRows, swapAxes, zero } from "./rows.ts";
export { scratch } from "./scope.ts";
export { inShares, isWorthSplitting, overElements, overRows, type ShareOptions } from "./threads.ts";
