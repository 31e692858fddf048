import { resolveAxis } from "../_axes.ts";
import { kernels } from "../_kernels.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import { formatShape, sizeOf, type Tensor } from "../tensor.ts";
import { slice } from "./slice.ts";

/** Options for {@linkcode concat}. */
export interface ConcatOptions {
  /**
   * The axis along which the tensors are joined; negative ones count from the last.
   *
   * @default {0}
   */
  axis?: number;
}

/**
 * Joins tensors along an axis; the other axes must have equal lengths.
 *
 * @throws {TypeError} If there are none, or the shapes do not fit.
 * @throws {RangeError} If the axis lies outside them.
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
