import { viewAs } from "../create.ts";
import { checkShape, checkTensor, type DType, formatShape, type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { defineMove } from "./_any_dtype.ts";
import { copyStrided, stretchedStrides } from "./_broadcast.ts";

/**
 * A view of the same elements, in the same order, with another shape.
 *
 * @param x Floats or integers; integers are not on the tape.
 * @param shape The new shape, of the same size. One length may be −1: it follows from the size.
 * @throws {RangeError} If a length is not an integer of 0 or more, or two are −1.
 * @throws {TypeError} If the number of elements differs, or no length fits for −1.
 *
 * @example
 * ```ts
 * import { reshape, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(reshape(tensor([1, 2, 3, 4]), [2, 2]).toArray(), [[1, 2], [3, 4]]);
 * assert.deepEqual(reshape(tensor([1, 2, 3, 4]), [-1, 1]).shape, [4, 1]);
 * ```
 */
export const reshape: <D extends DType = "f32">(x: Tensor<D>, shape: Shape) => Tensor<D> = defineMove(
  "reshape",
  (x: Tensor, wanted: Shape) => {
    checkTensor("reshape", x);
    const shape = Array.isArray(wanted) && wanted.includes(-1) ? resolveLength(x, wanted) : wanted;
    checkShape("reshape", shape);
    if (sizeOf(shape) !== x.size) {
      const [from, to, size] = [formatShape(x.shape), formatShape(shape), sizeOf(shape)];
      throw new TypeError(`Cannot reshape ${from} to ${to}: the new shape must have ${x.size} elements, got ${size}`);
    }
    return { inputs: [x], output: viewAs(x, shape), backward: (dy) => [viewAs(dy, x.shape)] };
  },
) as <D extends DType>(x: Tensor<D>, shape: Shape) => Tensor<D>;

/** A shape with its one length of −1 resolved. */
function resolveLength(x: Tensor, wanted: Shape): Shape {
  const at = wanted.indexOf(-1);
  const others = wanted.toSpliced(at, 1);
  const doing = `reshape ${formatShape(x.shape)} to ${formatShape(wanted)}`;
  if (others.includes(-1)) throw new RangeError(`Cannot ${doing}: at most one length must be -1, got two or more`);
  // The -1 is wrong as well if another length is negative or a fraction.
  if (!others.every((length) => Number.isInteger(length) && length >= 0)) checkShape("reshape", wanted);
  const size = sizeOf(others);
  if (size === 0) throw new TypeError(`Cannot ${doing}: any length would fit in place of -1; write it out`);
  if (x.size % size !== 0) {
    throw new TypeError(
      `Cannot ${doing}: the product of the other lengths must divide the ${x.size} elements, got ${size}`,
    );
  }
  return wanted.with(at, x.size / size);
}

function permute(x: Tensor, axes: readonly number[]): Tensor {
  const strides = stretchedStrides(x.shape, x.shape);
  return copyStrided(x, axes.map((axis) => x.shape[axis]!), axes.map((axis) => strides[axis]!));
}

/**
 * Permutes the axes: axis i of the result is axis `axes[i]` of x.
 *
 * @param x Floats or integers; integers are not on the tape.
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
export const transpose: <D extends DType = "f32">(x: Tensor<D>, axes?: readonly number[]) => Tensor<D> = defineMove(
  "transpose",
  (x: Tensor, order?: readonly number[]) => {
    checkTensor("transpose", x);
    const axes = order ?? x.shape.map((_, axis) => x.shape.length - 1 - axis);
    if (axes.length !== x.shape.length || !x.shape.every((_, axis) => axes.includes(axis))) {
      const [shape, got] = [formatShape(x.shape), formatShape(axes)];
      throw new TypeError(`Cannot transpose a tensor of shape ${shape}: axes must name each axis once, got ${got}`);
    }
    const back = axes.map((_, axis) => axes.indexOf(axis));
    return { inputs: [x], output: permute(x, axes), backward: (dy) => [permute(dy, back)] };
  },
) as <D extends DType>(x: Tensor<D>, axes?: readonly number[]) => Tensor<D>;
