import { type BinaryKernel, kernels } from "../core_kernels.ts";
import { checkTensor, type DType, formatShape, type Tensor } from "../tensor.ts";
import { applyBinary } from "./_broadcast.ts";

/** Compares elementwise; the result holds 1 or 0 and has no gradient. */
function compare<D extends DType>(
  name: string,
  kernelOf: Readonly<Record<DType, BinaryKernel>>,
  a: Tensor<D>,
  b: Tensor<D>,
): Tensor<"i32"> {
  checkTensor(name, a);
  checkTensor(name, b);
  if (a.dtype !== b.dtype) {
    throw new TypeError(
      `Cannot ${name}: both tensors must hold the same kind of element, got "${a.dtype}" of shape ` +
        `${formatShape(a.shape)} and "${b.dtype}" of shape ${formatShape(b.shape)}`,
    );
  }
  return applyBinary(name, kernelOf[a.dtype], a as Tensor<DType>, b as Tensor<DType>, "i32");
}

/**
 * Elementwise a > b with broadcasting.
 *
 * @param a Floats or integers.
 * @param b The same kind of element.
 * @returns Integers: 1 where a > b, else 0. A comparison with NaN is 0. It has no gradient; {@linkcode where} takes it.
 * @throws {TypeError} If the shapes do not broadcast, or the kinds of element differ.
 *
 * @example
 * ```ts
 * import { greater, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(greater(tensor([1, 2, 3]), tensor(2)).toArray(), [0, 0, 1]);
 * ```
 */
export function greater<D extends DType>(a: Tensor<D>, b: Tensor<D>): Tensor<"i32"> {
  return compare("greater", { f32: kernels.greater, i32: kernels.greaterInt }, a, b);
}

/**
 * Elementwise a ≥ b with broadcasting; otherwise as {@linkcode greater}.
 *
 * @throws {TypeError} If the shapes do not broadcast, or the kinds of element differ.
 *
 * @example
 * ```ts
 * import { greaterEqual, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(greaterEqual(tensor([1, 2, 3]), tensor(2)).toArray(), [0, 1, 1]);
 * ```
 */
export function greaterEqual<D extends DType>(a: Tensor<D>, b: Tensor<D>): Tensor<"i32"> {
  return compare("greaterEqual", { f32: kernels.greaterEqual, i32: kernels.greaterEqualInt }, a, b);
}

/**
 * Elementwise a < b with broadcasting; otherwise as {@linkcode greater}.
 *
 * @throws {TypeError} If the shapes do not broadcast, or the kinds of element differ.
 *
 * @example
 * ```ts
 * import { less, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(less(tensor([1, 2, 3]), tensor(2)).toArray(), [1, 0, 0]);
 * ```
 */
export function less<D extends DType>(a: Tensor<D>, b: Tensor<D>): Tensor<"i32"> {
  return compare("less", { f32: kernels.greater, i32: kernels.greaterInt }, b, a);
}

/**
 * Elementwise a ≤ b with broadcasting; otherwise as {@linkcode greater}.
 *
 * @throws {TypeError} If the shapes do not broadcast, or the kinds of element differ.
 *
 * @example
 * ```ts
 * import { lessEqual, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(lessEqual(tensor([1, 2, 3]), tensor(2)).toArray(), [1, 1, 0]);
 * ```
 */
export function lessEqual<D extends DType>(a: Tensor<D>, b: Tensor<D>): Tensor<"i32"> {
  return compare("lessEqual", { f32: kernels.greaterEqual, i32: kernels.greaterEqualInt }, b, a);
}

/**
 * Elementwise a = b with broadcasting; otherwise as {@linkcode greater}.
 *
 * @throws {TypeError} If the shapes do not broadcast, or the kinds of element differ.
 *
 * @example
 * ```ts
 * import { equal, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const tokens = tensor(Int32Array.of(3, 0, 3));
 * assert.deepEqual(equal(tokens, tensor(Int32Array.of(3))).toArray(), [1, 0, 1]);
 * ```
 */
export function equal<D extends DType>(a: Tensor<D>, b: Tensor<D>): Tensor<"i32"> {
  return compare("equal", { f32: kernels.equal, i32: kernels.equalInt }, a, b);
}

/**
 * Elementwise a ≠ b with broadcasting: 1 where either is NaN; otherwise as {@linkcode greater}.
 *
 * @throws {TypeError} If the shapes do not broadcast, or the kinds of element differ.
 *
 * @example
 * ```ts
 * import { notEqual, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(notEqual(tensor([1, 2, NaN]), tensor(2)).toArray(), [1, 0, 1]);
 * ```
 */
export function notEqual<D extends DType>(a: Tensor<D>, b: Tensor<D>): Tensor<"i32"> {
  return compare("notEqual", { f32: kernels.notEqual, i32: kernels.notEqualInt }, a, b);
}
