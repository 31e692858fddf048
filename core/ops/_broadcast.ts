import { type BinaryKernel, kernels } from "../core_kernels.ts";
import { empty, zeros } from "../create.ts";
import { checkTensor, type DType, formatShape, sameShape, type Shape, type Tensor } from "../tensor.ts";

/** The shape of two operands broadcast by NumPy's rule: axes from the right, each of equal length or 1. */
export function broadcastShape(name: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      const shapes = `${formatShape(a)} and ${formatShape(b)}`;
      throw new TypeError(
        `Cannot ${name}: shapes ${shapes} must broadcast (axes from the right equal, or 1), got ${left} and ${right}`,
      );
    }
    return left === 1 ? right : left;
  });
}

/** The element strides of a contiguous tensor broadcast to another shape; 0 along axes where it repeats. */
export function stretchedStrides(from: Shape, to: Shape): number[] {
  let stride = 1;
  const strides: number[] = [];
  for (let axis = to.length - 1; axis >= 0; axis--) {
    const length = from[axis - to.length + from.length] ?? 1;
    strides[axis] = length === 1 ? 0 : stride;
    stride *= length;
  }
  return strides;
}

/** Loops over a shape: two that a kernel runs, an inner and an outer one, and the rest in `forEach`. */
interface Loops {
  readonly inner: number;
  readonly outer: number;
  /** Byte strides of each operand in the inner loop. */
  readonly innerStrides: readonly number[];
  /** Byte strides of each operand in the outer loop. */
  readonly outerStrides: readonly number[];
  /** Calls `run` once per pair of kernel loops, with the byte offset of each operand. The array is reused. */
  forEach(run: (offsets: readonly number[]) => void): void;
}

/** Merges the axes that all operands step through evenly, so that few loops remain. */
export function loopsOver(shape: Shape, strides: readonly (readonly number[])[]): Loops {
  const axes: { length: number; strides: readonly number[] }[] = [];
  shape.forEach((length, axis) => {
    if (length === 1) return;
    const here = strides.map((ofOperand) => 4 * ofOperand[axis]!);
    const last = axes.at(-1);
    if (last !== undefined && last.strides.every((stride, operand) => stride === here[operand]! * length)) {
      axes[axes.length - 1] = { length: last.length * length, strides: here };
    } else axes.push({ length, strides: here });
  });
  const inner = axes.pop() ?? { length: 1, strides: strides.map(() => 4) };
  const outer = axes.pop() ?? { length: 1, strides: strides.map(() => 0) };
  return {
    inner: inner.length,
    outer: outer.length,
    innerStrides: inner.strides,
    outerStrides: outer.strides,
    forEach(run) {
      const offsets = strides.map(() => 0);
      const walk = (depth: number): void => {
        const axis = axes[depth];
        if (axis === undefined) return run(offsets);
        for (let index = 0; index < axis.length; index++) {
          walk(depth + 1);
          for (let operand = 0; operand < offsets.length; operand++) offsets[operand]! += axis.strides[operand]!;
        }
        for (let operand = 0; operand < offsets.length; operand++) {
          offsets[operand]! -= axis.length * axis.strides[operand]!;
        }
      };
      walk(0);
    },
  };
}

/** A new tensor with elements of x, taken by element strides: for transposition and broadcasting. */
export function copyStrided<D extends DType>(x: Tensor<D>, shape: Shape, strides: readonly number[]): Tensor<D> {
  const y = empty(shape, { dtype: x.dtype });
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
  checkTensor(name, a);
  checkTensor(name, b);
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
