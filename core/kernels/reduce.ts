// Sums and maxima. A long sum is made of short f32 sums, added up in f64, so that the error does not grow with the length.

import { scratch } from "./scratch";
import { lanes } from "./simd";

const RUN: usize = 1024;
const ROWS_RUN = 64;

/** Σ x[i]. */
export function sum(x: usize, n: i32): f64 {
  let total: f64 = 0;
  const end = x + (<usize>n << 2);
  while (x + 60 < end) {
    const runEnd = min(x + RUN, end);
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (; x + 60 < runEnd; x += 64) {
      s0 = f32x4.add(s0, v128.load(x));
      s1 = f32x4.add(s1, v128.load(x, 16));
      s2 = f32x4.add(s2, v128.load(x, 32));
      s3 = f32x4.add(s3, v128.load(x, 48));
    }
    total += lanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  }
  for (; x < end; x += 4) total += load<f32>(x);
  return total;
}

/** Σ x[i]², every term and the sum in f64: squares of f32 neither overflow nor vanish there. */
export function sumOfSquares(x: usize, n: i32): f64 {
  const end = x + (<usize>n << 2);
  let even = f64x2.splat(0), odd = even;
  for (; x + 12 < end; x += 16) {
    const values = v128.load(x);
    const low = f64x2.promote_low_f32x4(values);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f64>(values, values, 1, 0));
    even = f64x2.add(even, f64x2.mul(low, low));
    odd = f64x2.add(odd, f64x2.mul(high, high));
  }
  even = f64x2.add(even, odd);
  let total = f64x2.extract_lane(even, 0) + f64x2.extract_lane(even, 1);
  for (; x < end; x += 4) total += <f64>load<f32>(x) * <f64>load<f32>(x);
  return total;
}

/** Adds four f32 sums to the f64 ones at `totals`. */
@inline
function widen(totals: usize, sums: v128): void {
  v128.store(totals, f64x2.add(v128.load(totals), f64x2.promote_low_f32x4(sums)));
  const high = f64x2.promote_low_f32x4(v128.shuffle<f64>(sums, sums, 1, 0));
  v128.store(totals, f64x2.add(v128.load(totals, 16), high), 16);
}

/** y += rows of x, 32 columns at a time: two cache lines per row, since rows may be a page apart. */
export function sumRows(x: usize, y: usize, rows: i32, bytes: usize, stride: usize): void {
  const totals = scratch;
  let column: usize = 0;
  for (; column + 124 < bytes; column += 128) {
    memory.fill(totals, 0, 256);
    let p = x + column;
    for (let row = 0; row < rows;) {
      const runEnd = min(rows, row + ROWS_RUN);
      let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
      for (; row < runEnd; row++, p += stride) {
        s0 = f32x4.add(s0, v128.load(p));
        s1 = f32x4.add(s1, v128.load(p, 16));
        s2 = f32x4.add(s2, v128.load(p, 32));
        s3 = f32x4.add(s3, v128.load(p, 48));
        s4 = f32x4.add(s4, v128.load(p, 64));
        s5 = f32x4.add(s5, v128.load(p, 80));
        s6 = f32x4.add(s6, v128.load(p, 96));
        s7 = f32x4.add(s7, v128.load(p, 112));
      }
      widen(totals, s0);
      widen(totals + 32, s1);
      widen(totals + 64, s2);
      widen(totals + 96, s3);
      widen(totals + 128, s4);
      widen(totals + 160, s5);
      widen(totals + 192, s6);
      widen(totals + 224, s7);
    }
    addTotals(totals, y + column, 128);
  }
  for (; column + 12 < bytes; column += 16) {
    memory.fill(totals, 0, 32);
    let p = x + column;
    for (let row = 0; row < rows;) {
      const runEnd = min(rows, row + ROWS_RUN);
      let sums = f32x4.splat(0);
      for (; row < runEnd; row++, p += stride) sums = f32x4.add(sums, v128.load(p));
      widen(totals, sums);
    }
    addTotals(totals, y + column, 16);
  }
  for (; column < bytes; column += 4) {
    let total: f64 = 0;
    for (let row = 0, p = x + column; row < rows; row++, p += stride) total += load<f32>(p);
    store<f32>(y + column, load<f32>(y + column) + <f32>total);
  }
}

/** y += the totals. */
function addTotals(totals: usize, y: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) store<f32>(y + i, load<f32>(y + i) + <f32>load<f64>(totals + 2 * i));
}

/**
 * y[o·yOuter + i·yInner] += x[o, i] with x contiguous and strides in bytes: an inner stride of 0 sums each row,
 * an outer stride of 0 adds up the rows.
 */
export function sumInto(x: usize, y: usize, outer: i32, inner: i32, yOuter: usize, yInner: usize): void {
  const bytes = <usize>inner << 2;
  if (yOuter == 0 && yInner != 0) return sumRows(x, y, outer, bytes, bytes);
  for (let o = 0; o < outer; o++, y += yOuter) {
    if (yInner == 0) {
      store<f32>(y, load<f32>(y) + <f32>sum(x, inner));
      x += bytes;
      continue;
    }
    const end = x + bytes;
    let q = y;
    for (; x + 12 < end; x += 16, q += 16) v128.store(q, f32x4.add(v128.load(q), v128.load(x)));
    for (; x < end; x += 4, q += 4) store<f32>(q, load<f32>(q) + load<f32>(x));
  }
}

/** The maximum of n ≥ 1 values, or NaN if any is NaN. */
export function largest(x: usize, n: i32): f32 {
  const end = x + (<usize>n << 2);
  let top = f32x4.splat(-Infinity);
  for (; x + 12 < end; x += 16) top = f32x4.max(top, v128.load(x));
  let result = max(
    max(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)),
    max(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3)),
  );
  for (; x < end; x += 4) result = max(result, load<f32>(x));
  return result;
}

/** indices[row] = the first position of the row's maximum, or of its first NaN, if any. */
export function argmaxRows(x: usize, indices: usize, rows: i32, n: i32): void {
  for (let row = 0; row < rows; row++, indices += 4) {
    let best: i32 = 0;
    let top = load<f32>(x);
    for (let i = 0; i < n; i++, x += 4) {
      const value = load<f32>(x);
      if (value > top || (value != value && top == top)) {
        top = value;
        best = i;
      }
    }
    store<i32>(indices, best);
  }
}

/** The same for integers. */
export function argmaxRowsInt(x: usize, indices: usize, rows: i32, n: i32): void {
  for (let row = 0; row < rows; row++, indices += 4) {
    let best: i32 = 0;
    let top = load<i32>(x);
    for (let i = 0; i < n; i++, x += 4) {
      const value = load<i32>(x);
      if (value > top) {
        top = value;
        best = i;
      }
    }
    store<i32>(indices, best);
  }
}
