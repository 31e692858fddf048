import { type BinaryKernel, kernels } from "../_kernels.ts";
import { broadcastShape, loopsOver, stretchedStrides } from "../_shape.ts";
import { empty, zeros } from "../create.ts";
import { type DType, sameShape, type Shape, type Tensor } from "../tensor.ts";

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

/**
 * Sums a tensor over the axes along which `shape` was stretched to it: the backward pass of broadcasting. Axes that are not
 * adjacent are summed one group after the other, because the kernel sums one group in f64.
 */
export function reduceTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const last = lastReducedGroup(x.shape, shape);
  return last === undefined ? reduceOnce(x, shape) : reduceTo(reduceOnce(x, last), shape);
}

/** x's shape with its last group of adjacent reduced axes summed; undefined where there is only one group. */
function lastReducedGroup(from: Shape, to: Shape): Shape | undefined {
  const offset = from.length - to.length;
  const isReduced = (axis: number) => from[axis] !== 1 && (to[axis - offset] ?? 1) === 1;
  const isKept = (axis: number) => from[axis] !== 1 && !isReduced(axis);
  const axes = from.map((_, axis) => axis);
  const end = axes.findLast(isReduced);
  const before = axes.findLast((axis) => axis < end! && isKept(axis));
  if (before === undefined || !axes.some((axis) => axis < before && isReduced(axis))) return undefined;
  return from.map((length, axis) => axis > before && isReduced(axis) ? 1 : length);
}

function reduceOnce(x: Tensor, shape: Shape): Tensor {
  const y = zeros(shape);
  const xStrides = stretchedStrides(x.shape, x.shape);
  const loops = loopsOver(x.shape, [stretchedStrides(shape, x.shape), xStrides]);
  loops.forEach(([toY, toX]) => {
    const { outer, inner, outerStrides, innerStrides } = loops;
    kernels.sumInto(x.offset + toX!, y.offset + toY!, outer, inner, outerStrides[0]!, innerStrides[0]!);
  });
  return y;
}

/** Applies a kernel to two tensors, broadcasting as NumPy does. */
export function applyBinary<D extends DType = "f32">(
  name: string,
  kernel: BinaryKernel,
  a: Tensor<DType>,
  b: Tensor<DType>,
  dtype: D = "f32" as D,
): Tensor<D> {
  const shape = broadcastShape(name, a.shape, b.shape);
  const y = empty(shape, { dtype });
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
