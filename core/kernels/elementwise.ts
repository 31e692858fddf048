// Elementwise kernels. A function of one or two operands is a class with an inlined `apply`, so the loops are written once.

import { exp4, load, log4, madd, normalCdf4, one, sigmoid4, softplus4, splat, store, tanh4 } from "./simd";

@unmanaged class Exp { @inline apply(x: v128): v128 { return exp4(x); } }
@unmanaged class Log { @inline apply(x: v128): v128 { return log4(x); } }
@unmanaged class Sqrt { @inline apply(x: v128): v128 { return f32x4.sqrt(x); } }
@unmanaged class Abs { @inline apply(x: v128): v128 { return f32x4.abs(x); } }
@unmanaged class Tanh { @inline apply(x: v128): v128 { return tanh4(x); } }
@unmanaged class Sigmoid { @inline apply(x: v128): v128 { return sigmoid4(x); } }
// pmax returns its first operand for NaN, so NaN is kept.
@unmanaged class Relu { @inline apply(x: v128): v128 { return f32x4.pmax(x, splat(0)); } }
@unmanaged class Gelu { @inline apply(x: v128): v128 { return f32x4.mul(x, normalCdf4(x)); } }
@unmanaged class Softplus { @inline apply(x: v128): v128 { return softplus4(x); } }

/** y[i] = f(x[i]); x may be y. */
@inline
function unary<F>(x: usize, y: usize, n: i32): void {
  const f = changetype<F>(0);
  const end = y + (<usize>n << 2);
  for (; y + 12 < end; x += 16, y += 16) v128.store(y, f.apply(v128.load(x)));
  for (; y < end; x += 4, y += 4) store(y, f.apply(load(x, false)), false);
}

export function exp(x: usize, y: usize, n: i32): void { unary<Exp>(x, y, n); }
export function log(x: usize, y: usize, n: i32): void { unary<Log>(x, y, n); }
export function sqrt(x: usize, y: usize, n: i32): void { unary<Sqrt>(x, y, n); }
export function abs(x: usize, y: usize, n: i32): void { unary<Abs>(x, y, n); }
export function tanh(x: usize, y: usize, n: i32): void { unary<Tanh>(x, y, n); }
export function sigmoid(x: usize, y: usize, n: i32): void { unary<Sigmoid>(x, y, n); }
export function relu(x: usize, y: usize, n: i32): void { unary<Relu>(x, y, n); }
export function gelu(x: usize, y: usize, n: i32): void { unary<Gelu>(x, y, n); }
export function softplus(x: usize, y: usize, n: i32): void { unary<Softplus>(x, y, n); }

@unmanaged class Add { @inline apply(a: v128, b: v128): v128 { return f32x4.add(a, b); } }
@unmanaged class Subtract { @inline apply(a: v128, b: v128): v128 { return f32x4.sub(a, b); } }
@unmanaged class Multiply { @inline apply(a: v128, b: v128): v128 { return f32x4.mul(a, b); } }
@unmanaged class Divide { @inline apply(a: v128, b: v128): v128 { return f32x4.div(a, b); } }
@unmanaged class Maximum { @inline apply(a: v128, b: v128): v128 { return f32x4.max(a, b); } }
@unmanaged class Minimum { @inline apply(a: v128, b: v128): v128 { return f32x4.min(a, b); } }

// Comparisons: 1 or 0 in i32. Any comparison with NaN is 0, except that NaN is not equal to anything.
@unmanaged class Greater { @inline apply(a: v128, b: v128): v128 { return bit(f32x4.gt(a, b)); } }
@unmanaged class GreaterEqual { @inline apply(a: v128, b: v128): v128 { return bit(f32x4.ge(a, b)); } }
@unmanaged class Equal { @inline apply(a: v128, b: v128): v128 { return bit(f32x4.eq(a, b)); } }
@unmanaged class NotEqual { @inline apply(a: v128, b: v128): v128 { return bit(f32x4.ne(a, b)); } }
@unmanaged class GreaterInt { @inline apply(a: v128, b: v128): v128 { return bit(i32x4.gt_s(a, b)); } }
@unmanaged class GreaterEqualInt { @inline apply(a: v128, b: v128): v128 { return bit(i32x4.ge_s(a, b)); } }
@unmanaged class EqualInt { @inline apply(a: v128, b: v128): v128 { return bit(i32x4.eq(a, b)); } }
@unmanaged class NotEqualInt { @inline apply(a: v128, b: v128): v128 { return bit(i32x4.ne(a, b)); } }

@inline
function bit(mask: v128): v128 { return v128.and(mask, i32x4.splat(1)); }

/** The share of max(a, b)'s gradient that goes to a: 1, 0, or ½ if they are equal. */
@unmanaged class MaximumShare {
  @inline apply(a: v128, b: v128): v128 {
    return f32x4.add(v128.and(splat(0.5), f32x4.gt(a, b)), v128.and(splat(0.5), f32x4.ge(a, b)));
  }
}

// Gradients of functions of one operand, from the saved value (y if the parameter is y, else x) and ∂L/∂y.

@unmanaged class LogGradient { @inline apply(x: v128, dy: v128): v128 { return f32x4.div(dy, x); } }
@unmanaged class SqrtGradient { @inline apply(y: v128, dy: v128): v128 { return f32x4.div(f32x4.mul(dy, splat(0.5)), y); } }
@unmanaged class TanhGradient { @inline apply(y: v128, dy: v128): v128 { return f32x4.mul(dy, f32x4.sub(one(), f32x4.mul(y, y))); } }
@unmanaged class SigmoidGradient { @inline apply(y: v128, dy: v128): v128 { return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(one(), y))); } }
// dy where x is NaN, so that a NaN is not lost in the backward pass.
@unmanaged class ReluGradient { @inline apply(x: v128, dy: v128): v128 { return v128.andnot(dy, f32x4.le(x, splat(0))); } }
@unmanaged class SoftplusGradient { @inline apply(x: v128, dy: v128): v128 { return f32x4.mul(dy, sigmoid4(x)); } }

/** sign(x)·dy, which is 0 at 0. */
@unmanaged class AbsGradient {
  @inline apply(x: v128, dy: v128): v128 {
    return v128.and(v128.xor(dy, v128.and(x, i32x4.splat(0x80000000))), f32x4.ne(x, splat(0)));
  }
}

/** (Φ(x) + x·φ(x))·dy with the normal density φ. */
@unmanaged class GeluGradient {
  @inline apply(x: v128, dy: v128): v128 {
    const density = f32x4.mul(splat(0.3989422804014327), exp4(f32x4.mul(f32x4.mul(x, x), splat(-0.5))));
    return f32x4.mul(dy, madd(x, density, normalCdf4(x)));
  }
}

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
export function divide(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<Divide>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function maximum(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<Maximum>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function minimum(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<Minimum>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function greater(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<Greater>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function greaterEqual(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<GreaterEqual>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function equal(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<Equal>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function notEqual(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<NotEqual>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function greaterInt(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<GreaterInt>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function greaterEqualInt(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<GreaterEqualInt>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function equalInt(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<EqualInt>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function notEqualInt(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<NotEqualInt>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}
export function maximumShare(a: usize, b: usize, y: usize, outer: i32, inner: i32, aOuter: usize, aInner: usize, bOuter: usize, bInner: usize): void {
  binary<MaximumShare>(a, b, y, outer, inner, aOuter, aInner, bOuter, bInner);
}

/** dx[i] = f(saved[i], dy[i]). */
@inline
function gradient<F>(saved: usize, dy: usize, dx: usize, n: i32): void { binary<F>(saved, dy, dx, 1, n, 0, 4, 0, 4); }

export function logGradient(x: usize, dy: usize, dx: usize, n: i32): void { gradient<LogGradient>(x, dy, dx, n); }
export function sqrtGradient(y: usize, dy: usize, dx: usize, n: i32): void { gradient<SqrtGradient>(y, dy, dx, n); }
export function tanhGradient(y: usize, dy: usize, dx: usize, n: i32): void { gradient<TanhGradient>(y, dy, dx, n); }
export function sigmoidGradient(y: usize, dy: usize, dx: usize, n: i32): void { gradient<SigmoidGradient>(y, dy, dx, n); }
export function reluGradient(x: usize, dy: usize, dx: usize, n: i32): void { gradient<ReluGradient>(x, dy, dx, n); }
export function softplusGradient(x: usize, dy: usize, dx: usize, n: i32): void { gradient<SoftplusGradient>(x, dy, dx, n); }
export function absGradient(x: usize, dy: usize, dx: usize, n: i32): void { gradient<AbsGradient>(x, dy, dx, n); }
export function geluGradient(x: usize, dy: usize, dx: usize, n: i32): void { gradient<GeluGradient>(x, dy, dx, n); }

/** y[i] = factor·x[i] + offset. */
export function affine(x: usize, y: usize, n: i32, factor: f32, offset: f32): void {
  const end = y + (<usize>n << 2);
  const s = splat(factor), t = splat(offset);
  for (; y + 12 < end; x += 16, y += 16) v128.store(y, madd(v128.load(x), s, t));
  for (; y < end; x += 4, y += 4) store(y, madd(load(x, false), s, t), false);
}

/** y[i] = x[i] clamped to [low, high]; NaN is kept. */
export function clamp(x: usize, y: usize, n: i32, low: f32, high: f32): void {
  const end = y + (<usize>n << 2);
  const l = splat(low), h = splat(high);
  for (; y + 12 < end; x += 16, y += 16) v128.store(y, f32x4.pmin(f32x4.pmax(v128.load(x), l), h));
  for (; y < end; x += 4, y += 4) store(y, f32x4.pmin(f32x4.pmax(load(x, false), l), h), false);
}

/** dx[i] = dy[i] if low ≤ x[i] ≤ high, else 0. */
export function clampGradient(x: usize, dy: usize, dx: usize, n: i32, low: f32, high: f32): void {
  for (let i = 0; i < n; i++, x += 4, dy += 4, dx += 4) {
    const value = scalar(x);
    store(dx, value >= low && value <= high ? load(dy, false) : splat(0), false);
  }
}

@inline
function scalar(p: usize): f32 { return f32x4.extract_lane(v128.load32_zero(p), 0); }

/** y[i] = condition[i] ? a[i] : b[i], with the condition in i32. */
export function select(condition: usize, a: usize, b: usize, y: usize, n: i32): void {
  const end = y + (<usize>n << 2);
  for (; y < end; condition += 4, a += 4, b += 4, y += 4) {
    store(y, i32x4.extract_lane(v128.load32_zero(condition), 0) ? load(a, false) : load(b, false), false);
  }
}
