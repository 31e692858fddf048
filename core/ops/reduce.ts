import { kernels } from "../_kernels.ts";
import { reducedShapes, type ReduceOptions, resolveAxis, stretchedStrides } from "../_shape.ts";
import { defineOp } from "../autograd.ts";
import { empty, full, viewAs, zeros } from "../create.ts";
import { scope } from "../scope.ts";
import { type DType, formatShape, type Shape, sizeOf, Tensor } from "../tensor.ts";
import { copyStrided, reduceTo } from "./_broadcast.ts";
import { scale } from "./arithmetic.ts";
import { transpose } from "./shape.ts";

/** A new tensor, also where there is nothing to sum. */
function sumTo(x: Tensor, kept: Shape): Tensor {
  const y = reduceTo(x, kept);
  return y === x ? copyStrided(x, kept, stretchedStrides(kept, kept)) : y;
}

/**
 * Sum over all elements, or along axes: y = Σ x, ∂y/∂x = 1.
 *
 * @returns A scalar, or x without the axes.
 * @throws {RangeError} If an axis lies outside x.
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
    const { kept, result } = reducedShapes("sum", x.shape, options);
    return {
      inputs: [x],
      output: sizeOf(kept) === 1 ? full(result, kernels.sum(x.offset, x.size)) : viewAs(sumTo(x, kept), result),
      backward: (dy) => [copyStrided(dy, x.shape, stretchedStrides(kept, x.shape))],
    };
  },
);

/**
 * Mean over all elements, or along axes: y = Σ x/n, ∂y/∂x = 1/n, for the n elements that each result comes from.
 *
 * @returns A scalar, or x without the axes; NaN for n = 0, as in NumPy.
 * @throws {RangeError} If an axis lies outside x.
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
  const { result } = reducedShapes("take the mean of", x.shape, options);
  return scale(sum(x, options), sizeOf(result) / x.size);
}

/** Where the largest elements are. */
interface Argmax {
  /** For each line of elements along the axis, the index of the first largest one. */
  readonly indices: Tensor<"i32">;
  /** The position in x of the element of a line that has an index. */
  position(line: number, index: number): number;
}

/** The first largest element of each line along an axis, or of all elements where it is `undefined`. */
function argmaxAlong(name: string, x: Tensor<DType>, axis: number | undefined): Argmax {
  const length = axis === undefined ? x.size : x.shape[axis]!;
  if (length === 0) {
    throw new RangeError(
      `Cannot ${name} a tensor of shape ${formatShape(x.shape)}: there must be at least one element`,
    );
  }
  const indices = empty([x.size / length], { dtype: "i32" });
  const inner = axis === undefined ? 1 : sizeOf(x.shape.slice(axis + 1));
  using _ = scope();
  const rest = x.shape.map((_, i) => i).filter((i) => i !== axis);
  // viewAs: the tape must not see this.
  const lines = inner === 1 ? x : transpose(viewAs(x as Tensor, x.shape), [...rest, axis!]);
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
   * The axis to take the maximum along; negative ones count from the last.
   *
   * @default {all axes}
   */
  axis?: number;
}

/**
 * The largest element, or the largest along an axis. The gradient goes to the first of the largest. NaN where there is one.
 *
 * @returns A scalar, or x without the axis.
 * @throws {RangeError} If the axis lies outside x, or has length 0.
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
    const { result } = reducedShapes("take the maximum of", x.shape, options);
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
 * The index of the largest element along an axis, the first one of several; of the first NaN, if there is one. It has no
 * gradient.
 *
 * @returns Integers, x without the axis.
 * @throws {RangeError} If the axis lies outside x, or has length 0.
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
  const axis = resolveAxis("search", x.shape, options.axis ?? -1);
  const { indices } = argmaxAlong("search", x, axis);
  return new Tensor(x.shape.toSpliced(axis, 1), { dtype: "i32", offset: indices.offset, owner: indices.owner });
}
