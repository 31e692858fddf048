// One pass over the flat parameters per rule.

import { flushDenormals, load, madd, nmadd, splat, store } from "../../core/kernels/simd";

/** p −= rate·g. */
export function sgd(p: usize, g: usize, n: i32, rate: f32): void {
  const end = p + (<usize>n << 2);
  const r = splat(rate);
  for (; p + 12 < end; p += 16, g += 16) v128.store(p, nmadd(r, v128.load(g), v128.load(p)));
  for (; p < end; p += 4, g += 4) store(p, nmadd(r, load(g, false), load(p, false)), false);
}

/** v = momentum·v + (1 − dampening)·g; p −= rate·(nesterov ? g + momentum·v : v). */
@inline
function momentumLanes(p: usize, g: usize, v: usize, rate: v128, momentum: v128, share: v128, nesterov: bool, whole: bool): void {
  const gradient = load(g, whole);
  const velocity = flushDenormals(madd(momentum, load(v, whole), f32x4.mul(share, gradient)));
  store(v, velocity, whole);
  store(p, nmadd(rate, nesterov ? madd(momentum, velocity, gradient) : velocity, load(p, whole)), whole);
}

export function sgdMomentum(p: usize, g: usize, v: usize, n: i32, rate: f32, momentum: f32, share: f32, nesterov: bool): void {
  const end = p + (<usize>n << 2);
  const r = splat(rate), m = splat(momentum), s = splat(share);
  for (; p + 12 < end; p += 16, g += 16, v += 16) momentumLanes(p, g, v, r, m, s, nesterov, true);
  for (; p < end; p += 4, g += 4, v += 4) momentumLanes(p, g, v, r, m, s, nesterov, false);
}

/** m += (1 − β₁)(g − m); v = β₂v + (1 − β₂)g²; p −= stepSize·m / (√v·rootScale + ε). */
@inline
function adamLanes(p: usize, g: usize, m: usize, v: usize, stepSize: v128, share1: v128, beta2: v128, share2: v128, rootScale: v128, epsilon: v128, whole: bool): void {
  const gradient = load(g, whole);
  const mean = load(m, whole);
  const first = flushDenormals(madd(share1, f32x4.sub(gradient, mean), mean));
  const second = flushDenormals(madd(beta2, load(v, whole), f32x4.mul(share2, f32x4.mul(gradient, gradient))));
  store(m, first, whole);
  store(v, second, whole);
  const root = madd(f32x4.sqrt(second), rootScale, epsilon);
  store(p, nmadd(stepSize, f32x4.div(first, root), load(p, whole)), whole);
}

export function adam(
  p: usize, g: usize, m: usize, v: usize, n: i32,
  stepSize: f32, share1: f32, beta2: f32, share2: f32, rootScale: f32, epsilon: f32,
): void {
  const end = p + (<usize>n << 2);
  const a = splat(stepSize), b = splat(share1), c = splat(beta2), d = splat(share2), e = splat(rootScale), f = splat(epsilon);
  for (; p + 12 < end; p += 16, g += 16, m += 16, v += 16) adamLanes(p, g, m, v, a, b, c, d, e, f, true);
  for (; p < end; p += 4, g += 4, m += 4, v += 4) adamLanes(p, g, m, v, a, b, c, d, e, f, false);
}
