import { kernels } from "../_kernels.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import { formatShape, sizeOf, type Tensor } from "../tensor.ts";
import { zeros } from "../zeros.ts";

/** Indices are written with, so none may lie outside the table. */
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
   * A row that gets no gradient, such as that of padding.
   *
   * @default {none}
   */
  frozenRow?: number;
}

/**
 * Rows of a table by their indices: y[…, ·] = table[indices[…], ·], an embedding look-up. The gradient of a row is the sum
 * of the gradients of all places that it went to.
 *
 * @param table [rows, ...].
 * @param indices Integers of any shape.
 * @returns [...indices, ...].
 * @throws {TypeError} If the table has no axis.
 * @throws {RangeError} If an index is no row.
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
        // Anyone may have written over them since.
        checkIndices(table, indices);
        const dTable = zeros(table.shape);
        kernels.scatterAddRows(dy.offset, indices.offset, dTable.offset, indices.size, width);
        if (frozenRow !== undefined) dTable.data.fill(0, frozenRow * width, (frozenRow + 1) * width);
        return [dTable];
      },
    };
  },
);
