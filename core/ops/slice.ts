import { resolveAxis } from "../_axes.ts";
import { kernels } from "../_kernels.ts";
import { defineOp } from "../define_op.ts";
import { empty } from "../empty.ts";
import { zeros } from "../zeros.ts";
import { formatShape, type Shape, sizeOf, type Tensor } from "../tensor.ts";

/** A run of indices along one axis. */
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
   * The index after the last one.
   *
   * @default {the axis's length}
   */
  end?: number;
}

/**
 * The elements whose index along one axis lies in a range.
 *
 * @throws {RangeError} If the axis or the range lies outside the tensor.
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
    throw new RangeError(
      `Cannot slice a tensor of shape ${
        formatShape(x.shape)
      }: the range must lie within axis ${axis}, got ${start} to ${end}`,
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
