import { kernels } from "./_kernels.ts";
import { viewAs } from "./_view_as.ts";
import { empty } from "./empty.ts";
import { transpose } from "./ops/transpose.ts";
import { scope } from "./scope.ts";
import { formatShape, sizeOf, type Tensor } from "./tensor.ts";

/** Where the largest elements are. */
export interface Argmax {
  /** For each line of elements along the axis, the index of the first largest one. */
  readonly indices: Tensor<"i32">;
  /** The position in x of the element of a line that has an index. */
  position(line: number, index: number): number;
}

/** The first largest element of each line along an axis, or of all elements where it is `undefined`. */
export function argmaxAlong(name: string, x: Tensor, axis: number | undefined): Argmax {
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
  const lines = inner === 1 ? x : transpose(viewAs(x, x.shape), [...rest, axis!]);
  kernels.argmaxRows(lines.offset, indices.offset, indices.size, length);
  return {
    indices,
    position: (line, index) => Math.floor(line / inner) * inner * length + index * inner + line % inner,
  };
}
