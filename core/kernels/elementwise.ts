// Elementwise kernels. A function of one or two operands is a class with an inlined `apply`; the loops are written once.

import { load, madd, sigmoid4, splat, store, tanh4 } from "./simd";

@unmanaged class Tanh { @inline apply(x: v128): v128 { return tanh4(x); } }
@unmanaged class Sigmoid { @inline apply(x: v128): v128 { return sigmoid4(x); } }

/** y[i] = f(x[i]); x and y may be the same. */
@inline
function unary<F>(x: usize, y: usize, n: i32): void {
  const f = changetype<F>(0);
  const end = y + (<usize>n << 2);
  for (; y + 12 < end; x += 16, y += 16) v128.store(y, f.apply(v128.load(x)));
  for (; y < end; x += 4, y += 4) store(y, f.apply(load(x, false)), false);
}

export function tanh(x: usize, y: usize, n: i32): void { unary<Tanh>(x, y, n); }
export function sigmoid(x: usize, y: usize, n: i32): void { unary<Sigmoid>(x, y, n); }

@unmanaged class Add { @inline apply(a: v128, b: v128): v128 { return f32x4.add(a, b); } }
@unmanaged class Subtract { @inline apply(a: v128, b: v128): v128 { return f32x4.sub(a, b); } }
@unmanaged class Multiply { @inline apply(a: v128, b: v128): v128 { return f32x4.mul(a, b); } }

/** From the value y = tanh(x) and ∂L/∂y: ∂L/∂x = ∂L/∂y·(1 − y²). */
@unmanaged class TanhGradient { @inline apply(y: v128, dy: v128): v128 { return f32x4.mul(dy, f32x4.sub(splat(1), f32x4.mul(y, y))); } }

/** From the value y = σ(x) and ∂L/∂y: ∂L/∂x = ∂L/∂y·y·(1 − y). */
@unmanaged class SigmoidGradient { @inline apply(y: v128, dy: v128): v128 { return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(splat(1), y))); } }

/**
 * y[o, i] = f(a[o·aOuter + i·aInner], b[o·bOuter + i·bInner]) with y contiguous and strides in bytes;
 * an inner stride is 4 or, for a broadcast operand, 0. y may be a or b.
 */
@inline
function binary<F>(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  const f = changetype<F>(0);
  const bytes = <usize>inner << 2;
  for (let o = 0; o < outer; o++, a += aOuter, b += bOuter) {
    const end = y + bytes;
    let p = a, q = b;
    if (aInner && bInner) {
      for (; y + 12 < end; p += 16, q += 16, y += 16) v128.store(y, f.apply(v128.load(p), v128.load(q)));
    } else if (aInner) {
      const s = v128.load32_splat(q);
      for (; y + 12 < end; p += 16, y += 16) v128.store(y, f.apply(v128.load(p), s));
    } else {
      const s = v128.load32_splat(p);
      for (; y + 12 < end; q += 16, y += 16) v128.store(y, f.apply(s, v128.load(q)));
    }
    for (; y < end; p += aInner, q += bInner, y += 4) store(y, f.apply(load(p, false), load(q, false)), false);
  }
}

export function add(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<Add>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function subtract(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<Subtract>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function multiply(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<Multiply>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function tanhGradient(y: usize, dy: usize, dx: usize, n: i32): void { binary<TanhGradient>(y, dy, dx, 1, n, 0, 4, 0, 4); }
export function sigmoidGradient(y: usize, dy: usize, dx: usize, n: i32): void { binary<SigmoidGradient>(y, dy, dx, 1, n, 0, 4, 0, 4); }

/** y[i] = factor·x[i] + offset. */
export function affine(x: usize, y: usize, n: i32, factor: f32, offset: f32): void {
  const end = y + (<usize>n << 2);
  const s = splat(factor), t = splat(offset);
  for (; y + 12 < end; x += 16, y += 16) v128.store(y, madd(v128.load(x), s, t));
  for (; y < end; x += 4, y += 4) store(y, madd(load(x, false), s, t), false);
}
