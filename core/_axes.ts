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
