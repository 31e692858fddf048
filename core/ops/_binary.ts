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
  const { inner, outer, innerStrides, outerStrides, starts } = loopsOver(shape, strides);
  let to = y.offset;
  for (const [toA, toB] of starts) {
    kernel(
      a.offset + toA!,
      b.offset + toB!,
      to,
      outer,
      inner,
      outerStrides[0]!,
      innerStrides[0]!,
      outerStrides[1]!,
      innerStrides[1]!,
    );
    to += 4 * outer * inner;
  }
  return y;
}
