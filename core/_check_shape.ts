import { formatShape, type Shape } from "./tensor.ts";

/** Throws a `RangeError` unless all lengths are integers of 0 or more. */
export function checkShape(doing: string, shape: Shape): void {
  if (shape.every((length) => Number.isInteger(length) && length >= 0)) return;
  throw new RangeError(`Cannot ${doing}: shape must be integers of 0 or more, got ${formatShape(shape)}`);
}
