/** Helpers for the tests of ops: shapes that fast-check draws, and plain oracles in 64-bit floats. */

import type { Shape } from "@unfold/core";
import type { Oracle } from "@unfold/core/testing";
import fc from "fast-check";

export const length = fc.constantFrom(1, 2, 3, 4, 5, 7, 9);

export const shape = fc.array(length, { minLength: 0, maxLength: 3 });

/** A shape and one that broadcasts with it: axes dropped from the left, others set to 1. */
export const pairOfShapes = fc.tuple(
  shape,
  fc.nat(3),
  fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  fc.boolean(),
)
  .map(([full, dropped, ones, swapped]) => {
    const partner = full.map((n, axis) => ones[axis] ? 1 : n).slice(Math.min(dropped, full.length));
    return swapped ? [partner, full] : [full, partner];
  });

export function elementwise(f: (x: number) => number): (x: Oracle) => Oracle {
  return ({ shape, data }) => ({ shape, data: data.map(f) });
}

/** Broadcasting as plainly as possible: looks up every index of the result in both operands. */
export function broadcast(f: (a: number, b: number) => number): (a: Oracle, b: Oracle) => Oracle {
  return (a, b) => {
    const rank = Math.max(a.shape.length, b.shape.length);
    const shape = Array.from({ length: rank }, (_, axis) => {
      return Math.max(a.shape[axis - rank + a.shape.length] ?? 1, b.shape[axis - rank + b.shape.length] ?? 1);
    });
    const at = ({ shape: own, data }: Oracle, index: readonly number[]) => {
      const position = own.reduce((sum, n, axis) => sum * n + (n === 1 ? 0 : index[axis + rank - own.length]!), 0);
      return data[position]!;
    };
    const size = shape.reduce((x, y) => x * y, 1);
    const data = Float64Array.from({ length: size }, (_, i) => {
      const index: number[] = [];
      for (let axis = rank - 1, rest = i; axis >= 0; axis--) {
        index[axis] = rest % shape[axis]!;
        rest = Math.floor(rest / shape[axis]!);
      }
      return f(at(a, index), at(b, index));
    });
    return { shape, data };
  };
}

/** Every index of a shape, in row-major order. */
export function* indicesOf(shape: Shape): Generator<number[]> {
  const size = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < size; i++) {
    const index: number[] = [];
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    yield index;
  }
}

/** Reduces along axes as plainly as possible: collects the elements of each result, then folds them. */
export function reduced(
  f: (values: number[]) => number,
  axes: readonly number[],
  keepDims: boolean,
): (x: Oracle) => Oracle {
  return ({ shape, data }) => {
    const groups = new Map<string, number[]>();
    [...indicesOf(shape)].forEach((index, i) => {
      const key = index.map((at, axis) => axes.includes(axis) ? 0 : at).join();
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [data[i]!]);
      else group.push(data[i]!);
    });
    const result = shape.map((n, axis) => axes.includes(axis) ? 1 : n).filter((_, axis) =>
      keepDims || !axes.includes(axis)
    );
    return { shape: result, data: Float64Array.from([...groups.values()].map(f)) };
  };
}

/** A shape, some of its axes (undefined for all), and whether to keep them. */
export const reduction = fc.array(length, { minLength: 1, maxLength: 3 }).chain((shape) =>
  fc.tuple(
    fc.constant(shape),
    fc.option(fc.uniqueArray(fc.nat(shape.length - 1), { minLength: 1 }), { nil: undefined }),
    fc.boolean(),
  )
);

export const total = (values: number[]) => values.reduce((a, b) => a + b, 0);

/** Which values to draw for a function: away from its kinks and the edges of its domain. */
export interface Domain {
  spread?: number;
  positive?: boolean;
  offZero?: boolean;
}

export function drawFrom({ spread = 1, positive = false, offZero = false }: Domain) {
  return (random: { normal(): number }) => {
    const value = spread * random.normal();
    if (positive) return Math.abs(value) + 0.1;
    return offZero ? value + 0.05 * Math.sign(value) : value;
  };
}
