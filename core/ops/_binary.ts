import { broadcastShape, loopsOver, stretchedStrides } from "../_broadcast.ts";
import type { BinaryKernel } from "../_kernels.ts";
import { empty } from "../empty.ts";
import type { Tensor } from "../tensor.ts";

/** Applies a kernel to two tensors, broadcasting as NumPy does. */
export function applyBinary(name: string, kernel: BinaryKernel, a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShape(name, a.shape, b.shape);
  const y = empty(shape);
  if (y.size === 0) return y;
  const strides = [a, b].map((operand) => stretchedStrides(operand.shape, shape));
  const { inner, outer, innerStrides, outerStrides, forEach } = loopsOver(shape, strides);
  const [aOuter, bOuter] = outerStrides as [number, number];
  const [aInner, bInner] = innerStrides as [number, number];
  let to = y.offset;
  forEach(([toA, toB]) => {
    kernel(a.offset + toA!, b.offset + toB!, to, outer, inner, aOuter, aInner, bOuter, bInner);
    to += 4 * outer * inner;
  });
  return y;
}
