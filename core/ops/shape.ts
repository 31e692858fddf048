import { defineOp } from "../autograd.ts";
import { viewAs } from "../create.ts";
import { checkShape, formatShape, type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { copyStrided, stretchedStrides } from "./_broadcast.ts";

/**
 * A view of the same elements, in the same order, with another shape.
 *
 * @param x The tensor.
 * @param shape The new shape, of the same size.
 * @throws {RangeError} If a length is not an integer of 0 or more.
 * @throws {TypeError} If the number of elements differs.
 *
 * @example
 * ```ts
 * import { reshape, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(reshape(tensor([1, 2, 3, 4]), [2, 2]).toArray(), [[1, 2], [3, 4]]);
 * ```
 */
export const reshape: (x: Tensor, shape: Shape) => Tensor = defineOp("reshape", (x: Tensor, shape: Shape) => {
  checkShape("reshape", shape);
  if (sizeOf(shape) !== x.size) {
    const [from, to, size] = [formatShape(x.shape), formatShape(shape), sizeOf(shape)];
    throw new TypeError(`Cannot reshape ${from} to ${to}: the new shape must have ${x.size} elements, got ${size}`);
  }
  return { inputs: [x], output: viewAs(x, shape), backward: (dy) => [viewAs(dy, x.shape)] };
});

function permute(x: Tensor, axes: readonly number[]): Tensor {
  const strides = stretchedStrides(x.shape, x.shape);
  return copyStrided(x, axes.map((axis) => x.shape[axis]!), axes.map((axis) => strides[axis]!));
}

/**
 * Permutes the axes: axis i of the result is axis `axes[i]` of x.
 *
 * @param x The tensor.
 * @param axes All axes, in their new order. By default, they are reversed.
 * @throws {TypeError} If `axes` does not name each axis once.
 *
 * @example
 * ```ts
 * import { transpose, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(transpose(tensor([[1, 2, 3], [4, 5, 6]])).toArray(), [[1, 4], [2, 5], [3, 6]]);
 * assert.deepEqual(transpose(tensor([[[1], [2]]]), [1, 0, 2]).shape, [2, 1, 1]);
 * ```
 */
export const transpose: (x: Tensor, axes?: readonly number[]) => Tensor = defineOp(
  "transpose",
  (x: Tensor, axes: readonly number[] = x.shape.map((_, axis) => x.shape.length - 1 - axis)) => {
    if (axes.length !== x.shape.length || !x.shape.every((_, axis) => axes.includes(axis))) {
      const [shape, got] = [formatShape(x.shape), formatShape(axes)];
      throw new TypeError(`Cannot transpose a tensor of shape ${shape}: axes must name each axis once, got ${got}`);
    }
    const back = axes.map((_, axis) => axes.indexOf(axis));
    return { inputs: [x], output: permute(x, axes), backward: (dy) => [permute(dy, back)] };
  },
);
