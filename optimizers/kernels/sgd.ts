import { ballast, flushDenormals, load, madd, nmadd, splat, store } from "../../core/kernels/simd";

/** p −= rate·g. */
export function sgd(p: usize, g: usize, n: i32, rate: f32): void {
  const end = p + (<usize>n << 2);
  const r = splat(rate);
  for (; p + 12 < end; p += 16, g += 16) v128.store(p, nmadd(r, v128.load(g), v128.load(p)));
  for (; p < end; p += 4, g += 4) store(p, nmadd(r, load(g, false), load(p, false)), false);
}

/** v = momentum·v + share·g; p −= rate·(nesterov ? g + momentum·v : v). */
@inline
function momentumLanes(p: usize, g: usize, v: usize, rate: v128, momentum: v128, share: v128, heavy: v128, nesterov: bool, whole: bool): void {
  const gradient = load(g, whole);
  const velocity = flushDenormals(madd(momentum, load(v, whole), f32x4.mul(share, gradient)), heavy);
  store(v, velocity, whole);
  store(p, nmadd(rate, nesterov ? madd(momentum, velocity, gradient) : velocity, load(p, whole)), whole);
}

export function sgdMomentum(p: usize, g: usize, v: usize, n: i32, rate: f32, momentum: f32, share: f32, nesterov: bool): void {
  const end = p + (<usize>n << 2);
  const r = splat(rate), m = splat(momentum), s = splat(share), heavy = ballast();
  for (; p + 12 < end; p += 16, g += 16, v += 16) momentumLanes(p, g, v, r, m, s, heavy, nesterov, true);
  for (; p < end; p += 4, g += 4, v += 4) momentumLanes(p, g, v, r, m, s, heavy, nesterov, false);
}
