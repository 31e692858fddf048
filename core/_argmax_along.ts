import { kernels } from "./_kernels.ts";
import { viewAs } from "./_view_as.ts";
import { empty } from "./empty.ts";
import { transpose } from "./ops/transpose.ts";
import { scope } from "./scope.ts";
import { formatShape, sizeOf, type Tensor } from "./tensor.ts";

/**
 * For each line of elements along an axis (all elements where it is `undefined`), the index of the first largest one along
 * the axis, and its position in x.
 */
export function argmaxAlong(
  name: string,
  x: Tensor,
  axis: number | undefined,
): { indices: Int32Array; positions: Int32Array } {
  const length = axis === undefined ? x.size : x.shape[axis]!;
  if (length === 0) {
    throw new RangeError(
      `Cannot ${name} a tensor of shape ${formatShape(x.shape)}: there must be at least one element`,
    );
  }
  using _ = scope();
  const rest = x.shape.map((_, i) => i).filter((i) => i !== axis);
  const last = axis === undefined || axis === x.shape.length - 1;
  // viewAs: the tape must not see this.
  const lines = last ? x : transpose(viewAs(x, x.shape), [...rest, axis]);
  const found = empty([x.size / length], { dtype: "i32" });
  kernels.argmaxRows(lines.offset, found.offset, found.size, length);
  const indices = found.data.slice();
  const inner = axis === undefined ? 1 : sizeOf(x.shape.slice(axis + 1));
  const positions = indices.map((index, line) => {
    return Math.floor(line / inner) * inner * length + index * inner + line % inner;
  });
  return { indices, positions };
}
