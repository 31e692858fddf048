import { formatShape, type Shape } from "./tensor.ts";

/** Options of the ops that work along axes and may drop them. */
export interface ReduceOptions {
  /**
   * The axis or axes to work along; negative ones count from the last.
   *
   * @default {all axes}
   */
  axis?: number | readonly number[];
  /**
   * Whether to keep these axes with length 1, so that the result broadcasts against the input.
   *
   * @default {false}
   */
  keepDims?: boolean;
}

/** An axis counted from the first one. */
export function resolveAxis(name: string, shape: Shape, axis: number): number {
  const resolved = axis < 0 ? axis + shape.length : axis;
  if (Number.isInteger(resolved) && resolved >= 0 && resolved < shape.length) return resolved;
  throw new RangeError(
    `Cannot ${name} a tensor of shape ${formatShape(shape)}: axis must be from ${-shape.length} to ${
      shape.length - 1
    }, got ${axis}`,
  );
}

/** The input's shape with the reduced axes of length 1, and the result's shape. */
export function reducedShapes(name: string, shape: Shape, options: ReduceOptions): { kept: Shape; result: Shape } {
  const { axis = shape.map((_, i) => i), keepDims = false } = options;
  const axes = (typeof axis === "number" ? [axis] : axis).map((one) => resolveAxis(name, shape, one));
  const kept = shape.map((length, i) => axes.includes(i) ? 1 : length);
  return { kept, result: keepDims ? kept : shape.filter((_, i) => !axes.includes(i)) };
}

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

/** A loop over a shape as kernels run it: an inner and an outer count, and how often the pair is run. */
interface Loops {
  readonly inner: number;
  readonly outer: number;
  /** Byte strides of each operand in the inner loop. */
  readonly innerStrides: readonly number[];
  /** Byte strides of each operand in the outer loop. */
  readonly outerStrides: readonly number[];
  /** Calls `run` with the byte offsets of each operand at the start of each pair of loops; the array is used again. */
  forEach(run: (offsets: readonly number[]) => void): void;
}

/** Merges axes that all operands step through evenly, so that few loops are left. */
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
