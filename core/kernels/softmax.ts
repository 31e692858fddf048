// Softmax over rows: each row is shifted by its maximum, so that nothing overflows.

import { affine } from "./elementwise";
import { exp4, lanes, load, log4, madd, splat, store } from "./simd";
import { largest, sum } from "./reduce";

/** Bytes that are added up in f32 before they go into a sum in f64, so that the error does not grow with the length. */
const RUN: usize = 512;

/** y[i] = e^(x[i] − shift), and the sum of them. */
@inline
function exponentials(x: usize, y: usize, n: i32, shift: f32): f64 {
  const end = y + (<usize>n << 2);
  const s = splat(shift);
  let total: f64 = 0;
  while (y + 12 < end) {
    const runEnd = min(y + RUN, end);
    let sums = splat(0);
    for (; y + 12 < runEnd; x += 16, y += 16) {
      const e = exp4(f32x4.sub(v128.load(x), s));
      sums = f32x4.add(sums, e);
      v128.store(y, e);
    }
    total += lanes(sums);
  }
  for (; y < end; x += 4, y += 4) {
    const e = exp4(f32x4.sub(load(x, false), s));
    total += f32x4.extract_lane(e, 0);
    store(y, e, false);
  }
  return total;
}

/** y[row, i] = e^x[row, i] / Σ e^x[row, ·]. */
export function softmax(x: usize, y: usize, rows: i32, n: i32): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++, x += bytes, y += bytes) {
    affine(y, y, n, <f32>(1 / exponentials(x, y, n, largest(x, n))), 0);
  }
}

/** y[row, i] = x[row, i] − ln Σ e^x[row, ·]. The maximum is subtracted first, to keep the digits of x. */
export function logSoftmax(x: usize, y: usize, rows: i32, n: i32): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++) {
    const maximum = largest(x, n);
    const shift = log4(splat(<f32>exponentials(x, y, n, maximum)));
    const top = splat(maximum);
    const end = y + bytes;
    for (; y + 12 < end; x += 16, y += 16) v128.store(y, f32x4.sub(f32x4.sub(v128.load(x), top), shift));
    for (; y < end; x += 4, y += 4) store(y, f32x4.sub(f32x4.sub(load(x, false), top), shift), false);
  }
}

/** dx = y·(dy − Σ y·dy) by row. */
export function softmaxGradient(y: usize, dy: usize, dx: usize, rows: i32, n: i32): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++) {
    let total: f64 = 0;
    let i: usize = 0;
    while (i + 12 < bytes) {
      const runEnd = min(i + RUN, bytes);
      let sums = splat(0);
      for (; i + 12 < runEnd; i += 16) sums = madd(v128.load(y + i), v128.load(dy + i), sums);
      total += lanes(sums);
    }
    let rest = splat(0);
    for (; i < bytes; i += 4) rest = madd(load(y + i, false), load(dy + i, false), rest);
    const dot = splat(<f32>(total + f32x4.extract_lane(rest, 0)));
    const end = dx + bytes;
    for (; dx + 12 < end; y += 16, dy += 16, dx += 16) v128.store(dx, f32x4.mul(v128.load(y), f32x4.sub(v128.load(dy), dot)));
    for (; dx < end; y += 4, dy += 4, dx += 4) store(dx, f32x4.mul(load(y, false), f32x4.sub(load(dy, false), dot)), false);
  }
}

/** dx = dy − e^y·Σ dy by row. */
export function logSoftmaxGradient(y: usize, dy: usize, dx: usize, rows: i32, n: i32): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++) {
    const total = splat(<f32>sum(dy, n));
    const end = dx + bytes;
    for (; dx + 12 < end; y += 16, dy += 16, dx += 16) {
      v128.store(dx, f32x4.sub(v128.load(dy), f32x4.mul(exp4(v128.load(y)), total)));
    }
    for (; dx < end; y += 4, dy += 4, dx += 4) store(dx, f32x4.sub(load(dy, false), f32x4.mul(exp4(load(y, false)), total)), false);
  }
}
