import { formatShape, type Shape } from "./tensor.ts";

/** The shape that NumPy's rule gives for two operands: axes from the right, each of equal length or 1. */
export function broadcastShape(name: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new TypeError(
        `Cannot ${name}: shapes ${formatShape(a)} and ${
          formatShape(b)
        } must be equal or 1 axis by axis from the right, ` +
          `got ${left} and ${right}`,
      );
    }
    return left === 1 ? right : left;
  });
}

/** Element strides of a contiguous tensor of one shape stretched to another; 0 where it is repeated. */
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

/** A loop over a shape as kernels run it: an inner and an outer count, and where each such pair of loops starts. */
export interface Loops {
  readonly inner: number;
  readonly outer: number;
  /** Byte strides of each operand in the inner loop: 4 or 0. */
  readonly innerStrides: readonly number[];
  /** Byte strides of each operand in the outer loop. */
  readonly outerStrides: readonly number[];
  /** Byte offset of each operand at the start of each pair of loops. */
  readonly starts: readonly (readonly number[])[];
}

/** Merges axes that all operands step through evenly, so that few loops are left. */
export function loopsOver(shape: Shape, strides: readonly (readonly number[])[]): Loops {
  let axes: { length: number; strides: readonly number[] }[] = [];
  shape.forEach((length, axis) => {
    if (length === 1) return;
    const here = strides.map((ofOperand) => ofOperand[axis]!);
    const last = axes.at(-1);
    if (last !== undefined && last.strides.every((stride, operand) => stride === here[operand]! * length)) {
      axes[axes.length - 1] = { length: last.length * length, strides: here };
    } else axes.push({ length, strides: here });
  });
  const none = strides.map(() => 0);
  const inner = axes.at(-1) ?? { length: 1, strides: strides.map(() => 1) };
  const outer = axes.at(-2) ?? { length: 1, strides: none };
  axes = axes.slice(0, -2);
  let starts: (readonly number[])[] = [none];
  for (const { length, strides: steps } of axes) {
    starts = starts.flatMap((start) =>
      Array.from({ length }, (_, index) => start.map((offset, operand) => offset + 4 * index * steps[operand]!))
    );
  }
  return {
    inner: inner.length,
    outer: outer.length,
    innerStrides: inner.strides.map((stride) => 4 * stride),
    outerStrides: outer.strides.map((stride) => 4 * stride),
    starts,
  };
}
