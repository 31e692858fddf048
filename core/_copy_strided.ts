import { loopsOver } from "./_broadcast.ts";
import { kernels } from "./_kernels.ts";
import { empty } from "./empty.ts";
import type { Shape, Tensor } from "./tensor.ts";

/** A tensor of a shape whose elements are taken from x by given element strides: transposition and broadcasting. */
export function copyStrided(x: Tensor, shape: Shape, strides: readonly number[]): Tensor {
  const y = empty(shape);
  if (y.size === 0) return y;
  const { inner, outer, innerStrides, outerStrides, forEach } = loopsOver(shape, [strides]);
  let to = y.offset;
  forEach(([from]) => {
    kernels.copyStrided(x.offset + from!, to, outer, inner, outerStrides[0]!, innerStrides[0]!);
    to += 4 * outer * inner;
  });
  return y;
}
