// Rules that divide by the root of a sum or mean of squared gradients.

import { ballast, ballastOfSquares, flushDenormals, load, madd, nmadd, splat, store } from "../../core/kernels/simd";
import { moveMean, moveSquare } from "./adam";

/**
 * v = α·v + share·g²; d = g/(√v + ε), or with √(v − mean²) if centred, where mean is that of g. p −= rate·d, or with momentum
 * b = momentum·b + d and p −= rate·b.
 */
@inline
function rmspropLanes(
  p: usize, g: usize, v: usize, mean: usize, b: usize,
  rate: v128, alpha: v128, share: v128, epsilon: v128, momentum: v128, heavy: v128, fine: v128, centered: bool, accelerated: bool, whole: bool,
): void {
  const gradient = load(g, whole);
  let square = moveSquare(v, gradient, alpha, share, fine, whole);
  if (centered) {
    const centre = moveMean(mean, gradient, share, heavy, whole);
    // Rounding may give less than 0. pmax returns its first operand for NaN, so NaN is kept.
    square = f32x4.pmax(nmadd(centre, centre, square), splat(0));
  }
  let direction = f32x4.div(gradient, f32x4.add(f32x4.sqrt(square), epsilon));
  if (accelerated) {
    direction = flushDenormals(madd(momentum, load(b, whole), direction), heavy);
    store(b, direction, whole);
  }
  store(p, nmadd(rate, direction, load(p, whole)), whole);
}

@inline
function rmspropLoop(
  p: usize, g: usize, v: usize, mean: usize, b: usize, n: i32,
  rate: f32, alpha: f32, share: f32, epsilon: f32, momentum: f32, centered: bool, accelerated: bool,
): void {
  const end = p + (<usize>n << 2);
  const r = splat(rate), a = splat(alpha), s = splat(share), e = splat(epsilon), m = splat(momentum), heavy = ballast(), fine = ballastOfSquares();
  for (; p + 12 < end; p += 16, g += 16, v += 16, mean += 16, b += 16) rmspropLanes(p, g, v, mean, b, r, a, s, e, m, heavy, fine, centered, accelerated, true);
  for (; p < end; p += 4, g += 4, v += 4, mean += 4, b += 4) rmspropLanes(p, g, v, mean, b, r, a, s, e, m, heavy, fine, centered, accelerated, false);
}

/** Unused slots are 0. */
export function rmsprop(
  p: usize, g: usize, v: usize, mean: usize, b: usize, n: i32, rate: f32, alpha: f32, share: f32, epsilon: f32, momentum: f32,
): void {
  if (mean == 0 && b == 0) rmspropLoop(p, g, v, v, v, n, rate, alpha, share, epsilon, momentum, false, false);
  else if (mean == 0) rmspropLoop(p, g, v, v, b, n, rate, alpha, share, epsilon, momentum, false, true);
  else if (b == 0) rmspropLoop(p, g, v, mean, v, n, rate, alpha, share, epsilon, momentum, true, false);
  else rmspropLoop(p, g, v, mean, b, n, rate, alpha, share, epsilon, momentum, true, true);
}

/** s += g²; p −= rate·g/(√s + ε). */
@inline
function adagradLanes(p: usize, g: usize, s: usize, rate: v128, epsilon: v128, fine: v128, whole: bool): void {
  const gradient = load(g, whole);
  const total = flushDenormals(madd(gradient, gradient, load(s, whole)), fine);
  store(s, total, whole);
  store(p, nmadd(rate, f32x4.div(gradient, f32x4.add(f32x4.sqrt(total), epsilon)), load(p, whole)), whole);
}

export function adagrad(p: usize, g: usize, s: usize, n: i32, rate: f32, epsilon: f32): void {
  const end = p + (<usize>n << 2);
  const r = splat(rate), e = splat(epsilon), fine = ballastOfSquares();
  for (; p + 12 < end; p += 16, g += 16, s += 16) adagradLanes(p, g, s, r, e, fine, true);
  for (; p < end; p += 4, g += 4, s += 4) adagradLanes(p, g, s, r, e, fine, false);
}

/** v = ρ·v + share·g²; d = √(u + ε)/√(v + ε)·g; u = ρ·u + share·d²; p −= rate·d. */
@inline
function adadeltaLanes(p: usize, g: usize, v: usize, u: usize, rate: v128, rho: v128, share: v128, epsilon: v128, fine: v128, whole: bool): void {
  const gradient = load(g, whole);
  const square = moveSquare(v, gradient, rho, share, fine, whole);
  const roots = f32x4.div(f32x4.sqrt(f32x4.add(load(u, whole), epsilon)), f32x4.sqrt(f32x4.add(square, epsilon)));
  const direction = f32x4.mul(roots, gradient);
  moveSquare(u, direction, rho, share, fine, whole);
  store(p, nmadd(rate, direction, load(p, whole)), whole);
}

export function adadelta(p: usize, g: usize, v: usize, u: usize, n: i32, rate: f32, rho: f32, share: f32, epsilon: f32): void {
  const end = p + (<usize>n << 2);
  const r = splat(rate), a = splat(rho), s = splat(share), e = splat(epsilon), fine = ballastOfSquares();
  for (; p + 12 < end; p += 16, g += 16, v += 16, u += 16) adadeltaLanes(p, g, v, u, r, a, s, e, fine, true);
  for (; p < end; p += 4, g += 4, v += 4, u += 4) adadeltaLanes(p, g, v, u, r, a, s, e, fine, false);
}
