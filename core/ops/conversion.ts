import { checkCounts } from "../checks.ts";
import { kernels } from "../core_kernels.ts";
import { empty, viewAs, zeros } from "../create.ts";
import { checkTensor, type DType, formatShape, type Tensor } from "../tensor.ts";

/**
 * The same values, off the tape: no gradient flows through the result. It shares the memory of x; {@linkcode keep} makes a copy.
 *
 * @example The gradient stops at a detached factor
 * ```ts
 * import { detach, multiply, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor(3, { requiresGrad: true });
 * multiply(x, detach(x)).backward();
 * assert.equal(x.grad?.item(), 3);
 * ```
 */
export function detach<D extends DType = "f32">(x: Tensor<D>): Tensor<D> {
  checkTensor("detach", x);
  return viewAs(x, x.shape);
}

/**
 * The same values as another kind of element. No gradient flows from floats to integers or back. A tensor that already has the
 * dtype is returned as it is.
 *
 * @param x Floats or integers.
 * @param dtype The kind of element of the result.
 * @returns A new tensor, or x.
 * @throws {RangeError} If a value has no exact counterpart: a float that is not a 32-bit integer, or an integer beyond 2²⁴ that
 * 32-bit floats skip. Round or scale such values first.
 *
 * @example
 * ```ts
 * import { cast, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.equal(cast(tensor([2, 0]), "i32").dtype, "i32");
 * assert.throws(() => cast(tensor([2, 0.5]), "i32"), /got 0.5 at position 1/);
 * ```
 */
export function cast<D extends DType>(x: Tensor<DType>, dtype: D): Tensor<D> {
  const doing = `cast to "${dtype}"`;
  checkTensor(doing, x);
  if (x.dtype as DType === dtype) return x as unknown as Tensor<D>;
  const y = empty(x.shape, { dtype });
  const [from, to] = [x.data, y.data];
  to.set(from);
  const bad = from.findIndex((value, i) => value !== to[i]);
  if (bad < 0) return y;
  const must = dtype === "i32" ? "values must be 32-bit integers" : "integers must be exact as 32-bit floats";
  throw new RangeError(
    `Cannot ${doing} a tensor of shape ${formatShape(x.shape)}: ${must}, got ${from[bad]} at position ${bad}`,
  );
}

/** Options for {@linkcode oneHot}. */
export interface OneHotOptions {
  /** The number of classes: the length of the last axis. */
  classes: number;
}

/**
 * One-hot encoding: yᵢ = 1 for the index i, else 0.
 *
 * @param indices Integers of any shape, from 0 to `classes` − 1.
 * @returns [...indices, classes], floats without a gradient.
 * @throws {TypeError} If the indices are not integers.
 * @throws {RangeError} If `classes` is not a positive integer, or an index is not a class.
 *
 * @example
 * ```ts
 * import { oneHot, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const y = oneHot(tensor([2, 0], { dtype: "i32" }), { classes: 3 });
 * assert.deepEqual(y.toArray(), [[0, 0, 1], [1, 0, 0]]);
 * ```
 */
export function oneHot(indices: Tensor<"i32">, options: OneHotOptions): Tensor {
  const { classes } = options;
  checkTensor("encode as one-hot", indices);
  checkCounts("encode as one-hot", { classes });
  if (indices.dtype !== "i32") {
    throw new TypeError(
      `Cannot encode as one-hot: indices must be integers (dtype "i32"), got "${indices.dtype}"; use cast(indices, "i32")`,
    );
  }
  const bad = kernels.firstOutside(indices.offset, indices.size, classes);
  if (bad >= 0) {
    const got = `${indices.data[bad]} at position ${bad}`;
    throw new RangeError(`Cannot encode as one-hot: indices must be classes from 0 to ${classes - 1}, got ${got}`);
  }
  const y = zeros([...indices.shape, classes]);
  const [places, values] = [indices.data, y.data];
  for (let i = 0; i < places.length; i++) values[i * classes + places[i]!] = 1;
  return y;
}
