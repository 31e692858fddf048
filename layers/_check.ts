import { formatShape, type Tensor } from "@unfold/core";

/** Throws a `TypeError` unless a tensor has the named axes; an axis given as a number must have that length. */
export function checkShape(
  doing: string,
  name: string,
  x: Tensor,
  axes: Readonly<Record<string, number | undefined>>,
): void {
  if (x.dtype !== "f32") throw new TypeError(`Cannot ${doing}: ${name} must hold floats (f32), got ${x.dtype}`);
  const lengths = Object.values(axes);
  if (
    x.shape.length === lengths.length && lengths.every((length, i) => length === undefined || length === x.shape[i])
  ) return;
  const wanted = Object.entries(axes).map(([axis, length]) => length === undefined ? axis : `${axis} = ${length}`);
  throw new TypeError(`Cannot ${doing}: ${name} must have shape [${wanted.join(", ")}], got ${formatShape(x.shape)}`);
}

/** Throws a `TypeError` unless two tensors have equal shapes. */
export function checkSameShape(
  doing: string,
  a: [name: string, tensor: Tensor],
  b: [name: string, tensor: Tensor],
): void {
  const [left, right] = [a, b].map(([, { shape }]) => formatShape(shape));
  if (left === right) return;
  throw new TypeError(`Cannot ${doing}: ${a[0]} and ${b[0]} must have equal shapes, got ${left} and ${right}`);
}

/** Throws unless there is a length for each sequence, an integer from `least` to the number of time steps. */
export function checkLengths(
  doing: string,
  lengths: readonly number[],
  { batch, time, least }: { batch: number; time: number; least: number },
): void {
  if (lengths.length !== batch) {
    throw new TypeError(`Cannot ${doing}: lengths must be one for each of ${batch} sequences, got ${lengths.length}`);
  }
  for (const length of lengths) {
    if (Number.isInteger(length) && length >= least && length <= time) continue;
    throw new RangeError(
      `Cannot ${doing}: lengths must be integers from ${least} to the ${time} time steps, got ${length}`,
    );
  }
}
