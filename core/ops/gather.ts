import { kernels } from "../_kernels.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import { formatShape, sizeOf, type Tensor } from "../tensor.ts";
import { zeros } from "../zeros.ts";

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
export const gather: (table: Tensor, indices: Tensor<"i32">) => Tensor = defineOp(
  "gather",
  (table: Tensor, indices: Tensor<"i32">) => {
    const [rows, ...rest] = table.shape;
    if (rows === undefined) throw new TypeError(`Cannot gather: the table must have an axis of rows, got shape []`);
    const bad = kernels.firstOutside(indices.offset, indices.size, rows);
    if (bad >= 0) {
      throw new RangeError(
        `Cannot gather from a table of shape ${formatShape(table.shape)}: indices must be rows from 0 to ${
          rows - 1
        }, got ` +
          `${indices.data[bad]} at position ${bad}`,
      );
    }
    const width = sizeOf(rest);
    const y = empty([...indices.shape, ...rest]);
    kernels.gatherRows(table.offset, indices.offset, y.offset, indices.size, 4 * width);
    return {
      inputs: [table],
      output: y,
      backward: (dy) => {
        const dTable = zeros(table.shape);
        kernels.scatterAddRows(dy.offset, indices.offset, dTable.offset, indices.size, width);
        return [dTable];
      },
    };
  },
);
