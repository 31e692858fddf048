// Adam and its relatives: means of the gradient and of its square.

import { ballast, ballastOfSquares, flushDenormals, load, madd, nmadd, one, splat, store } from "../../core/kernels/simd";

/** Stores and returns m + share·(g − m). */
@inline
export function moveMean(m: usize, gradient: v128, share: v128, heavy: v128, whole: bool): v128 {
  const mean = load(m, whole);
  const moved = flushDenormals(madd(share, f32x4.sub(gradient, mean), mean), heavy);
  store(m, moved, whole);
  return moved;
}

/** Stores and returns decay·v + share·x². */
@inline
export function moveSquare(v: usize, x: v128, decay: v128, share: v128, fine: v128, whole: bool): v128 {
  const moved = flushDenormals(madd(decay, load(v, whole), f32x4.mul(share, f32x4.mul(x, x))), fine);
  store(v, moved, whole);
  return moved;
}

/** m, v as above; p = keep·p − stepSize·m/(√v·rootScale + ε); with `largest`, the root is of the largest v so far (AMSGrad). */
@inline
function adamLanes(
  p: usize, g: usize, m: usize, v: usize, largest: usize,
  stepSize: v128, share1: v128, beta2: v128, share2: v128, rootScale: v128, epsilon: v128, keep: v128, heavy: v128, fine: v128, amsgrad: bool, whole: bool,
): void {
  const gradient = load(g, whole);
  const first = moveMean(m, gradient, share1, heavy, whole);
  let second = moveSquare(v, gradient, beta2, share2, fine, whole);
  if (amsgrad) {
    second = f32x4.max(second, load(largest, whole));
    store(largest, second, whole);
  }
  const root = madd(f32x4.sqrt(second), rootScale, epsilon);
  store(p, nmadd(stepSize, f32x4.div(first, root), f32x4.mul(keep, load(p, whole))), whole);
}

@inline
function adamLoop(
  p: usize, g: usize, m: usize, v: usize, largest: usize, n: i32,
  stepSize: f32, share1: f32, beta2: f32, share2: f32, rootScale: f32, epsilon: f32, keep: f32, amsgrad: bool,
): void {
  const end = p + (<usize>n << 2);
  const a = splat(stepSize), b = splat(share1), c = splat(beta2), d = splat(share2), e = splat(rootScale), f = splat(epsilon), k = splat(keep), heavy = ballast(), fine = ballastOfSquares();
  for (; p + 12 < end; p += 16, g += 16, m += 16, v += 16, largest += 16) adamLanes(p, g, m, v, largest, a, b, c, d, e, f, k, heavy, fine, amsgrad, true);
  for (; p < end; p += 4, g += 4, m += 4, v += 4, largest += 4) adamLanes(p, g, m, v, largest, a, b, c, d, e, f, k, heavy, fine, amsgrad, false);
}

export function adam(
  p: usize, g: usize, m: usize, v: usize, n: i32,
  stepSize: f32, share1: f32, beta2: f32, share2: f32, rootScale: f32, epsilon: f32, keep: f32,
): void {
  adamLoop(p, g, m, v, v, n, stepSize, share1, beta2, share2, rootScale, epsilon, keep, false);
}

export function amsgrad(
  p: usize, g: usize, m: usize, v: usize, largest: usize, n: i32,
  stepSize: f32, share1: f32, beta2: f32, share2: f32, rootScale: f32, epsilon: f32, keep: f32,
): void {
  adamLoop(p, g, m, v, largest, n, stepSize, share1, beta2, share2, rootScale, epsilon, keep, true);
}

/** m, v as above; p −= (gradientStep·g + meanStep·m)/(√v·rootScale + ε). */
@inline
function nadamLanes(
  p: usize, g: usize, m: usize, v: usize,
  gradientStep: v128, meanStep: v128, share1: v128, beta2: v128, share2: v128, rootScale: v128, epsilon: v128, heavy: v128, fine: v128, whole: bool,
): void {
  const gradient = load(g, whole);
  const first = moveMean(m, gradient, share1, heavy, whole);
  const second = moveSquare(v, gradient, beta2, share2, fine, whole);
  const root = madd(f32x4.sqrt(second), rootScale, epsilon);
  const step = madd(gradientStep, gradient, f32x4.mul(meanStep, first));
  store(p, f32x4.sub(load(p, whole), f32x4.div(step, root)), whole);
}

export function nadam(
  p: usize, g: usize, m: usize, v: usize, n: i32,
  gradientStep: f32, meanStep: f32, share1: f32, beta2: f32, share2: f32, rootScale: f32, epsilon: f32,
): void {
  const end = p + (<usize>n << 2);
  const a = splat(gradientStep), b = splat(meanStep), c = splat(share1), d = splat(beta2), e = splat(share2), f = splat(rootScale), h = splat(epsilon), heavy = ballast(), fine = ballastOfSquares();
  for (; p + 12 < end; p += 16, g += 16, m += 16, v += 16) nadamLanes(p, g, m, v, a, b, c, d, e, f, h, heavy, fine, true);
  for (; p < end; p += 4, g += 4, m += 4, v += 4) nadamLanes(p, g, m, v, a, b, c, d, e, f, h, heavy, fine, false);
}

/** The sign of x in each lane, 0 for 0; NaN is kept. */
@inline
function sign(x: v128): v128 {
  const signed = v128.or(v128.and(x, i32x4.splat(0x80000000)), one());
  return v128.bitselect(signed, x, v128.or(f32x4.lt(x, splat(0)), f32x4.gt(x, splat(0))));
}

/** p = keep·p − rate·sign(m + share1·(g − m)); m += share2·(g − m). */
@inline
function lionLanes(p: usize, g: usize, m: usize, rate: v128, share1: v128, share2: v128, keep: v128, heavy: v128, whole: bool): void {
  const gradient = load(g, whole), mean = load(m, whole);
  const direction = sign(madd(share1, f32x4.sub(gradient, mean), mean));
  store(p, nmadd(rate, direction, f32x4.mul(keep, load(p, whole))), whole);
  moveMean(m, gradient, share2, heavy, whole);
}

export function lion(p: usize, g: usize, m: usize, n: i32, rate: f32, share1: f32, share2: f32, keep: f32): void {
  const end = p + (<usize>n << 2);
  const r = splat(rate), a = splat(share1), b = splat(share2), k = splat(keep), heavy = ballast();
  for (; p + 12 < end; p += 16, g += 16, m += 16) lionLanes(p, g, m, r, a, b, k, heavy, true);
  for (; p < end; p += 4, g += 4, m += 4) lionLanes(p, g, m, r, a, b, k, heavy, false);
}
