import { defineOp } from "../autograd.ts";
import { kernels } from "../core_kernels.ts";
import { empty, full, viewAs, zeros } from "../create.ts";
import { scope } from "../scope.ts";
import { checkTensor, type DType, formatShape, resolveAxis, type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { copyStrided, reduceTo, stretchedStrides } from "./_broadcast.ts";
import { scale } from "./arithmetic.ts";
import { transpose } from "./shape.ts";

/** Options for the ops that reduce along axes. */
export interface ReduceOptions {
  /**
   * The axis or axes to reduce; negative ones count from the last.
   *
   * @default {all axes}
   */
  axis?: number | readonly number[];
  /**
   * Whether to keep the reduced axes with length 1, so that the result broadcasts against the input.
   *
   * @default {false}
   */
  keepDims?: boolean;
}

/**
 * Sum over all elements, or along axes: y = Σ x, ∂y/∂x = 1.
 *
 * @returns A scalar, or a tensor without the axes.
 * @throws {RangeError} If x does not have an axis.
 *
 * @example
 * ```ts
 * import { sum, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[1, 2], [3, 4]]);
 * assert.equal(sum(x).item(), 10);
 * assert.deepEqual(sum(x, { axis: 0 }).toArray(), [4, 6]);
 * assert.deepEqual(sum(x, { axis: 1, keepDims: true }).toArray(), [[3], [7]]);
 * ```
 */
export const sum: (x: Tensor, options?: ReduceOptions) => Tensor = defineOp(
  "sum",
  (x: Tensor, options: ReduceOptions = {}) => {
    const { kept, result } = reducedShapes("sum", x, options);
    return {
      inputs: [x],
      output: sizeOf(kept) === 1 ? full(result, kernels.sum(x.offset, x.size)) : viewAs(sumTo(x, kept), result),
      backward: (dy) => [copyStrided(dy, x.shape, stretchedStrides(kept, x.shape))],
    };
  },
);

/** The input's shape with reduced axes of length 1, and the shape of the result. */
function reducedShapes(name: string, x: Tensor, options: ReduceOptions): { kept: Shape; result: Shape } {
  checkTensor(name, x);
  const { shape } = x;
  const { axis = shape.map((_, i) => i), keepDims = false } = options;
  const axes = (typeof axis === "number" ? [axis] : axis).map((one) => resolveAxis(name, shape, one));
  const kept = shape.map((length, i) => axes.includes(i) ? 1 : length);
  return { kept, result: keepDims ? kept : shape.filter((_, i) => !axes.includes(i)) };
}

/** The sum as a new tensor, even if there is nothing to sum. */
function sumTo(x: Tensor, kept: Shape): Tensor {
  const y = reduceTo(x, kept);
  return y === x ? copyStrided(x, kept, stretchedStrides(kept, kept)) : y;
}

/**
 * Mean over all elements, or along axes: y = Σ x/n, ∂y/∂x = 1/n, where n is the number of elements per result.
 *
 * @returns A scalar, or a tensor without the axes; NaN for n = 0, as in NumPy.
 * @throws {RangeError} If x does not have an axis.
 *
 * @example
 * ```ts
 * import { mean, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[1, 2], [3, 4]]);
 * assert.equal(mean(x).item(), 2.5);
 * assert.deepEqual(mean(x, { axis: 0 }).toArray(), [2, 3]);
 * ```
 */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { result } = reducedShapes("take the mean of", x, options);
  return scale(sum(x, options), sizeOf(result) / x.size);
}

/** Positions of maxima. */
interface Argmax {
  /** The index of the first maximum in each line of elements along the axis. */
  readonly indices: Tensor<"i32">;
  /** The position in x of a line's element by its index. */
  position(line: number, index: number): number;
}

/** Finds the first maximum of each line along an axis, or of all elements if it is `undefined`. */
function argmaxAlong(name: string, x: Tensor<DType>, axis: number | undefined): Argmax {
  const length = axis === undefined ? x.size : x.shape[axis]!;
  if (length === 0) {
    throw new RangeError(`Cannot ${name} a tensor of shape ${formatShape(x.shape)}: it must have at least one element`);
  }
  const indices = empty([x.size / length], { dtype: "i32" });
  const inner = axis === undefined ? 1 : sizeOf(x.shape.slice(axis + 1));
  using _ = scope();
  const rest = x.shape.map((_, i) => i).filter((i) => i !== axis);
  // A view, which is not on the tape.
  const lines = inner === 1 ? x : transpose(viewAs(x, x.shape), [...rest, axis!]);
  const search = x.dtype === "i32" ? kernels.argmaxRowsInt : kernels.argmaxRows;
  search(lines.offset, indices.offset, indices.size, length);
  return {
    indices,
    position: (line, index) => Math.floor(line / inner) * inner * length + index * inner + line % inner,
  };
}

/** Options for {@linkcode max}. */
export interface MaxOptions extends ReduceOptions {
  /**
   * The axis to reduce; negative ones count from the last.
   *
   * @default {all axes}
   */
  axis?: number;
}

/**
 * Maximum over all elements, or along an axis. The gradient goes to the first maximum. A NaN makes the result NaN.
 *
 * @returns A scalar, or a tensor without the axis.
 * @throws {RangeError} If x does not have the axis, or there are no elements along it.
 *
 * @example
 * ```ts
 * import { max, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[1, 5], [7, 3]]);
 * assert.equal(max(x).item(), 7);
 * assert.deepEqual(max(x, { axis: 1 }).toArray(), [5, 7]);
 * ```
 */
export const max: (x: Tensor, options?: MaxOptions) => Tensor = defineOp(
  "max",
  (x: Tensor, options: MaxOptions = {}) => {
    const { result } = reducedShapes("take the maximum of", x, options);
    const axis = options.axis === undefined ? undefined : resolveAxis("take the maximum of", x.shape, options.axis);
    const { indices, position } = argmaxAlong("take the maximum of", x, axis);
    const y = empty(result);
    const [from, to, places] = [x.data, y.data, indices.data];
    for (let line = 0; line < to.length; line++) to[line] = from[position(line, places[line]!)]!;
    return {
      inputs: [x],
      output: y,
      backward: (dy) => {
        const dx = zeros(x.shape);
        const [from, to, places] = [dy.data, dx.data, indices.data];
        for (let line = 0; line < from.length; line++) to[position(line, places[line]!)] = from[line]!;
        return [dx];
      },
    };
  },
);

/** Options for {@linkcode argmax}. */
export interface ArgmaxOptions {
  /**
   * The axis to search along; negative ones count from the last.
   *
   * @default {-1}
   */
  axis?: number;
}

/**
 * The index of the first maximum along an axis, or of the first NaN, if any. It has no gradient.
 *
 * @returns Integers, in a tensor without the axis.
 * @throws {RangeError} If x does not have the axis, or its length is 0.
 *
 * @example
 * ```ts
 * import { argmax, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(argmax(tensor([[1, 5], [7, 3]])).toArray(), [1, 0]);
 * ```
 */
export function argmax(x: Tensor<DType>, options: ArgmaxOptions = {}): Tensor<"i32"> {
  checkTensor("search", x);
  const axis = resolveAxis("search", x.shape, options.axis ?? -1);
  const { indices } = argmaxAlong("search", x, axis);
  return viewAs(indices, x.shape.toSpliced(axis, 1));
}
