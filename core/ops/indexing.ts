import { kernels } from "../core_kernels.ts";
import { empty, zeros } from "../create.ts";
import { checkTensor, type DType, formatShape, resolveAxis, type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { overRows } from "../threads.ts";
import { defineMove } from "./_any_dtype.ts";
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
 * @param x Floats or integers; integers are not on the tape.
 * @param range The axis and the range.
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
export const slice: <D extends DType = "f32">(x: Tensor<D>, range: SliceRange) => Tensor<D> = defineMove(
  "slice",
  (x: Tensor, range: SliceRange) => {
    checkTensor("slice", x);
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
    const y = empty(shape, { dtype: x.dtype });
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
  },
) as <D extends DType>(x: Tensor<D>, range: SliceRange) => Tensor<D>;

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
 * @param tensors All floats, or all integers; integers are not on the tape.
 * @param options The axis.
 * @throws {TypeError} If there are no tensors, or their other axes or kinds of element differ.
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
export const concat: <D extends DType = "f32">(tensors: readonly Tensor<D>[], options?: ConcatOptions) => Tensor<D> =
  defineMove(
    "concat",
    (tensors: readonly Tensor[], options: ConcatOptions = {}) => {
      checkList("concatenate", tensors);
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
      if (!tensors.every(({ dtype }) => dtype === first.dtype)) {
        const got = tensors.map(({ dtype }) => `"${dtype}"`).join(", ");
        throw new TypeError(`Cannot concatenate: all tensors must have the same dtype, got ${got}; see cast()`);
      }
      const lengths = tensors.map(({ shape }) => shape[axis]!);
      const total = lengths.reduce((a, b) => a + b, 0);
      const inner = 4 * sizeOf(first.shape.slice(axis + 1));
      const rows = sizeOf(first.shape.slice(0, axis));
      const y = empty(first.shape.with(axis, total), { dtype: first.dtype });
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
  ) as <D extends DType>(tensors: readonly Tensor<D>[], options?: ConcatOptions) => Tensor<D>;

/** Throws unless the argument is an array of tensors. */
function checkList(doing: string, tensors: readonly Tensor<DType>[]): void {
  if (!Array.isArray(tensors)) throw new TypeError(`Cannot ${doing}: the tensors must be in an array, such as [a, b]`);
  for (const x of tensors) checkTensor(doing, x);
}

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
 * Joins tensors of one shape along a new axis. {@linkcode unstack} is the inverse.
 *
 * @param tensors All floats, or all integers; integers are not on the tape.
 * @param options The axis.
 * @throws {TypeError} If there are no tensors, or their shapes or kinds of element differ.
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
export function stack<D extends DType = "f32">(tensors: readonly Tensor<D>[], options: StackOptions = {}): Tensor<D> {
  checkList("stack", tensors);
  const { axis = 0 } = options;
  const widened = tensors.map((x) => {
    const at = resolveAxis("stack", [...x.shape, 1], axis);
    return reshape(x, x.shape.toSpliced(at, 0, 1));
  });
  return concat(widened, { axis });
}

/** Options for {@linkcode unstack}. */
export interface UnstackOptions {
  /**
   * The axis to split; negative ones count from the last.
   *
   * @default {0}
   */
  axis?: number;
}

/**
 * Splits a tensor along an axis into tensors without it, one per index: the inverse of {@linkcode stack}, for loops over rows
 * or time steps.
 *
 * @param x Floats or integers; integers are not on the tape.
 * @param options The axis.
 * @returns Copies, in order.
 * @throws {RangeError} If x does not have the axis.
 *
 * @example
 * ```ts
 * import { tensor, unstack } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const [first, second] = unstack(tensor([[1, 2], [3, 4]]), { axis: 1 });
 * assert.deepEqual(first?.toArray(), [1, 3]);
 * assert.deepEqual(second?.toArray(), [2, 4]);
 * ```
 */
export const unstack: <D extends DType = "f32">(x: Tensor<D>, options?: UnstackOptions) => Tensor<D>[] = defineMove(
  "unstack",
  (x: Tensor, options: UnstackOptions = {}) => {
    checkTensor("unstack", x);
    const axis = resolveAxis("unstack", x.shape, options.axis ?? 0);
    const shape = x.shape.toSpliced(axis, 1);
    const bytes = 4 * sizeOf(x.shape.slice(axis + 1));
    const rows = sizeOf(x.shape.slice(0, axis));
    const stride = x.shape[axis]! * bytes;
    const output = Array.from({ length: x.shape[axis]! }, (_, index) => {
      const y = empty(shape, { dtype: x.dtype });
      kernels.copyRows(x.offset + index * bytes, stride, y.offset, bytes, rows, bytes);
      return y;
    });
    return {
      inputs: [x],
      output,
      backward: (...gradients) => {
        const dx = empty(x.shape);
        gradients.forEach((dy, index) => {
          kernels.copyRows(dy.offset, bytes, dx.offset + index * bytes, stride, rows, bytes);
        });
        return [dx];
      },
    };
  },
) as <D extends DType>(x: Tensor<D>, options?: UnstackOptions) => Tensor<D>[];

/** Throws unless all indices are rows of the table: kernels write by them without a check. */
function checkIndices({ shape }: Tensor, indices: Tensor<"i32">): void {
  const bad = kernels.firstOutside(indices.offset, indices.size, shape[0]!);
  if (bad < 0) return;
  const must = shape[0] === 0 ? "the table must have rows" : `indices must be rows from 0 to ${shape[0]! - 1}`;
  throw new RangeError(
    `Cannot gather from a table of shape ${formatShape(shape)}: ${must}, got ${indices.data[bad]} at position ${bad}`,
  );
}

/** Throws unless the indices are integers. Names the first fraction, if any, since such indices are a mistake in the program. */
function checkIndexKind(indices: Tensor<DType>): void {
  checkTensor("gather", indices);
  if (indices.dtype === "i32") return;
  const bad = indices.data.findIndex((value) => !Number.isInteger(value));
  const got = bad < 0 ? "" : ` with ${indices.data[bad]} at position ${bad}`;
  throw new TypeError(
    `Cannot gather: indices must be integers (dtype "i32"), got "f32"${got}; ` +
      'pass { dtype: "i32" } to tensor(), or use cast(indices, "i32")',
  );
}

function checkFrozenRow(row: number, rows: number): void {
  if (Number.isInteger(row) && row >= 0 && row < rows) return;
  throw new RangeError(`Cannot gather: frozenRow must be a row from 0 to ${rows - 1}, got ${row}`);
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
 * @param table [rows, ...] of floats or integers; integers are not on the tape.
 * @param indices Integers of any shape.
 * @returns [...indices, ...].
 * @throws {TypeError} If the table is a scalar, or the indices are not integers.
 * @throws {RangeError} If an index or the frozen row is not a row of the table.
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
export const gather: <D extends DType = "f32">(
  table: Tensor<D>,
  indices: Tensor<"i32">,
  options?: GatherOptions,
) => Tensor<D> = defineMove(
  "gather",
  (table: Tensor, indices: Tensor<"i32">, { frozenRow }: GatherOptions = {}) => {
    checkTensor("gather", table);
    const [rows, ...rest] = table.shape;
    if (rows === undefined) throw new TypeError(`Cannot gather: the table must have an axis of rows, got shape []`);
    checkIndexKind(indices);
    checkIndices(table, indices);
    if (frozenRow !== undefined) checkFrozenRow(frozenRow, rows);
    const width = sizeOf(rest);
    const y = empty([...indices.shape, ...rest], { dtype: table.dtype });
    overRows(indices.size, width, (row, count) => {
      const to = y.offset + 4 * row * width;
      kernels.gatherRows(table.offset, indices.offset + 4 * row, to, count, 4 * width);
    });
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
) as <D extends DType>(table: Tensor<D>, indices: Tensor<"i32">, options?: GatherOptions) => Tensor<D>;
