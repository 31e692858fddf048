import { loopsOver, stretchedStrides } from "./_broadcast.ts";
import { sameShape } from "./_same_shape.ts";
import { kernels } from "./_kernels.ts";
import { zeros } from "./zeros.ts";
import type { Shape, Tensor } from "./tensor.ts";

/** Sums a tensor over the axes along which `shape` was stretched to it: the way back of broadcasting. */
export function reduceTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const y = zeros(shape);
  const xStrides = stretchedStrides(x.shape, x.shape);
  const loops = loopsOver(x.shape, [stretchedStrides(shape, x.shape), xStrides]);
  loops.forEach(([toY, toX]) => {
    const { outer, inner, outerStrides, innerStrides } = loops;
    kernels.sumInto(x.offset + toX!, y.offset + toY!, outer, inner, outerStrides[0]!, innerStrides[0]!);
  });
  return y;
}
