import { defineOp } from "../autograd.ts";
import { kernels } from "../core_kernels.ts";
import { empty, zeros } from "../create.ts";
import { formatShape, resolveAxis, type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { reshape } from "./shape.ts";

/** A range of indices along an axis. */
export interface SliceRange {
  /**
   * The axis; negative ones count from the last.
   *
   * @default {0}
   */
  axis?: number;
  /**
   * The first index.
   *
   * @default {0}
   */
  start?: number;
  /**
   * The end of the range, exclusive.
   *
   * @default {the length of the axis}
   */
  end?: number;
}

/**
 * The elements whose index along one axis is in a range.
 *
 * @throws {RangeError} If the axis or the range is outside the tensor.
 *
 * @example
 * ```ts
 * import { slice, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(slice(tensor([[1, 2, 3], [4, 5, 6]]), { axis: 1, start: 1 }).toArray(), [[2, 3], [5, 6]]);
 * ```
 */
export const slice: (x: Tensor, range: SliceRange) => Tensor = defineOp("slice", (x: Tensor, range: SliceRange) => {
  const axis = resolveAxis("slice", x.shape, range.axis ?? 0);
  const length = x.shape[axis]!;
  const start = range.start ?? 0;
  const end = range.end ?? length;
  if (
    !(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= length)
  ) {
    const shape = formatShape(x.shape);
    throw new RangeError(
      `Cannot slice a tensor of shape ${shape}: the range must be within axis ${axis}, got ${start} to ${end}`,
    );
  }
  const shape: Shape = x.shape.with(axis, end - start);
  const inner = 4 * sizeOf(x.shape.slice(axis + 1));
  const rows = sizeOf(x.shape.slice(0, axis));
  const [xStride, yStride, from] = [length * inner, (end - start) * inner, start * inner];
  const y = empty(shape);
  kernels.copyRows(x.offset + from, xStride, y.offset, yStride, rows, yStride);
  return {
    inputs: [x],
    output: y,
    backward: (dy) => {
      const dx = zeros(x.shape);
      kernels.copyRows(dy.offset, yStride, dx.offset + from, xStride, rows, yStride);
      return [dx];
    },
  };
});

/** Options for {@linkcode concat}. */
export interface ConcatOptions {
  /**
   * The axis to join along; negative ones count from the last.
   *
   * @default {0}
   */
  axis?: number;
}

/**
 * Joins tensors along an axis. The other axes must have equal lengths.
 *
 * @throws {TypeError} If there are no tensors, or their other axes differ.
 * @throws {RangeError} If the tensors do not have the axis.
 *
 * @example
 * ```ts
 * import { concat, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(concat([tensor([[1], [2]]), tensor([[3], [4]])], { axis: 1 }).toArray(), [[1, 3], [2, 4]]);
 * ```
 */
export const concat: (tensors: readonly Tensor[], options?: ConcatOptions) => Tensor = defineOp(
  "concat",
  (tensors: readonly Tensor[], options: ConcatOptions = {}) => {
    const first = tensors[0];
    if (first === undefined) throw new TypeError("Cannot concatenate: there must be at least one tensor, got none");
    const rank = first.shape.length;
    const axis = resolveAxis("concatenate", first.shape, options.axis ?? 0);
    const fits = ({ shape }: Tensor) =>
      shape.length === rank && shape.every((n, i) => i === axis || n === first.shape[i]);
    if (!tensors.every(fits)) {
      throw new TypeError(
        `Cannot concatenate along axis ${options.axis ?? 0}: shapes must be equal on the other axes, got ` +
          tensors.map(({ shape }) => formatShape(shape)).join(", "),
      );
    }
    const lengths = tensors.map(({ shape }) => shape[axis]!);
    const total = lengths.reduce((a, b) => a + b, 0);
    const inner = 4 * sizeOf(first.shape.slice(axis + 1));
    const rows = sizeOf(first.shape.slice(0, axis));
    const y = empty(first.shape.with(axis, total));
    let to = y.offset;
    tensors.forEach(({ offset }, index) => {
      const run = lengths[index]! * inner;
      kernels.copyRows(offset, run, to, total * inner, rows, run);
      to += run;
    });
    return {
      inputs: tensors,
      output: y,
      backward: (dy) => {
        let end = 0;
        return lengths.map((length) => slice(dy, { axis, start: end, end: end += length }));
      },
    };
  },
);

/** Options for {@linkcode stack}. */
export interface StackOptions {
  /**
   * The position of the new axis in the result; negative ones count from the last.
   *
   * @default {0}
   */
  axis?: number;
}

/**
 * Joins tensors of one shape along a new axis.
 *
 * @throws {TypeError} If there are no tensors, or their shapes differ.
 * @throws {RangeError} If the result does not have the axis.
 *
 * @example
 * ```ts
 * import { stack, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(stack([tensor([1, 2]), tensor([3, 4])]).toArray(), [[1, 2], [3, 4]]);
 * assert.deepEqual(stack([tensor([1, 2]), tensor([3, 4])], { axis: 1 }).toArray(), [[1, 3], [2, 4]]);
 * ```
 */
export function stack(tensors: readonly Tensor[], options: StackOptions = {}): Tensor {
  const { axis = 0 } = options;
  const widened = tensors.map((x) => {
    const at = resolveAxis("stack", [...x.shape, 1], axis);
    return reshape(x, x.shape.toSpliced(at, 0, 1));
  });
  return concat(widened, { axis });
}

/** Throws unless all indices are rows of the table: kernels write by them without a check. */
function checkIndices({ shape }: Tensor, indices: Tensor<"i32">): void {
  const bad = kernels.firstOutside(indices.offset, indices.size, shape[0]!);
  if (bad < 0) return;
  throw new RangeError(
    `Cannot gather from a table of shape ${formatShape(shape)}: indices must be rows from 0 to ${shape[0]! - 1}, got ` +
      `${indices.data[bad]} at position ${bad}`,
  );
}

/** Options for {@linkcode gather}. */
export interface GatherOptions {
  /**
   * A row that gets no gradient, such as that of the padding token.
   *
   * @default {none}
   */
  frozenRow?: number;
}

/**
 * Rows of a table by index, as in an embedding lookup: y[…, ·] = table[indices[…], ·]. The gradient of a row is the sum of the
 * gradients of its copies.
 *
 * @param table [rows, ...].
 * @param indices Integers of any shape.
 * @returns [...indices, ...].
 * @throws {TypeError} If the table is a scalar, or the indices are not integers.
 * @throws {RangeError} If an index is not a row of the table.
 *
 * @example
 * ```ts
 * import { gather, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const table = tensor([[1, 2], [3, 4], [5, 6]]);
 * assert.deepEqual(gather(table, tensor([2, 0], { dtype: "i32" })).toArray(), [[5, 6], [1, 2]]);
 * ```
 */
export const gather: (table: Tensor, indices: Tensor<"i32">, options?: GatherOptions) => Tensor = defineOp(
  "gather",
  (table: Tensor, indices: Tensor<"i32">, { frozenRow }: GatherOptions = {}) => {
    const [rows, ...rest] = table.shape;
    if (rows === undefined) throw new TypeError(`Cannot gather: the table must have an axis of rows, got shape []`);
    if (indices.dtype !== "i32") {
      throw new TypeError(`Cannot gather: indices must be integers (dtype "i32"), got "${indices.dtype}"`);
    }
    checkIndices(table, indices);
    const width = sizeOf(rest);
    const y = empty([...indices.shape, ...rest]);
    kernels.gatherRows(table.offset, indices.offset, y.offset, indices.size, 4 * width);
    return {
      inputs: [table],
      output: y,
      backward: (dy) => {
        // The indices may have been overwritten since.
        checkIndices(table, indices);
        const dTable = zeros(table.shape);
        kernels.scatterAddRows(dy.offset, indices.offset, dTable.offset, indices.size, width);
        if (frozenRow !== undefined) dTable.data.fill(0, frozenRow * width, (frozenRow + 1) * width);
        return [dTable];
      },
    };
  },
);
