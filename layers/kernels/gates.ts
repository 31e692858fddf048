// The gates of any cell. Products have the gates of a row side by side; the values of a gate are a plane, [rows, n], of its own.

import { flush, gate4, gateTanh4, load, nmadd, one, splat, store } from "../../core/kernels/simd";

/** f of a gate, and df/dx·d from y = f(x). Like ReLU in core, NaN is kept forward. */
@unmanaged class Linear {
  @inline apply(x: v128): v128 { return x; }
  @inline slope(y: v128, d: v128): v128 { return d; }
}
@unmanaged class Sigmoid {
  @inline apply(x: v128): v128 { return gate4(x); }
  @inline slope(y: v128, d: v128): v128 { return f32x4.mul(d, f32x4.mul(y, f32x4.sub(one(), y))); }
}
@unmanaged class Tanh {
  @inline apply(x: v128): v128 { return gateTanh4(x); }
  @inline slope(y: v128, d: v128): v128 { return f32x4.mul(d, nmadd(y, y, one())); }
}
@unmanaged class Relu {
  @inline apply(x: v128): v128 { return f32x4.pmax(x, splat(0)); }
  @inline slope(y: v128, d: v128): v128 { return v128.and(d, f32x4.gt(y, splat(0))); }
}

@inline
function valueLanes<F>(x: usize, p: usize, added: bool, bias: usize, y: usize, whole: bool): void {
  const product = added ? f32x4.add(load(x, whole), load(p, whole)) : load(x, whole);
  store(y, changetype<F>(0).apply(f32x4.add(product, load(bias, whole))), whole);
}

@inline
function values<F>(rows: i32, n: i32, x: usize, xRow: usize, p: usize, pRow: usize, added: bool, bias: usize, y: usize, yRow: usize): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++, x += xRow, p += pRow, y += yRow) {
    let i: usize = 0;
    for (; i + 12 < bytes; i += 16) valueLanes<F>(x + i, p + i, added, bias + i, y + i, true);
    for (; i < bytes; i += 4) valueLanes<F>(x + i, p + i, added, bias + i, y + i, false);
  }
}

@inline
function valuesOf<F>(rows: i32, n: i32, x: usize, xRow: usize, p: usize, pRow: usize, bias: usize, y: usize, yRow: usize): void {
  if (p === 0) values<F>(rows, n, x, xRow, 0, 0, false, bias, y, yRow);
  else values<F>(rows, n, x, xRow, p, pRow, true, bias, y, yRow);
}

/**
 * y = f(x + p + bias) for some gates, whose functions are the digits of `codes` in base 16: 0 for x itself, 1 for σ, 2 for tanh, 3
 * for ReLU. There is no p if it is 0. Strides are the bytes from one row to the next and from one gate to the next; those of the
 * bias are the rows of y.
 */
export function activateGates(
  rows: i32, n: i32, codes: i32, gates: i32, x: usize, xRow: usize, xGate: usize, p: usize, pRow: usize, pGate: usize, bias: usize,
  y: usize, yRow: usize, yGate: usize,
): void {
  for (; gates > 0; gates--, codes >>= 4, x += xGate, p = p === 0 ? 0 : p + pGate, bias += yRow, y += yGate) {
    const code = codes & 15;
    if (code === 0) valuesOf<Linear>(rows, n, x, xRow, p, pRow, bias, y, yRow);
    else if (code === 1) valuesOf<Sigmoid>(rows, n, x, xRow, p, pRow, bias, y, yRow);
    else if (code === 2) valuesOf<Tanh>(rows, n, x, xRow, p, pRow, bias, y, yRow);
    else valuesOf<Relu>(rows, n, x, xRow, p, pRow, bias, y, yRow);
  }
}

@inline
function slopeLanes<F>(y: usize, dy: usize, dx: usize, dp: usize, both: bool, whole: bool): void {
  const d = flush(changetype<F>(0).slope(load(y, whole), load(dy, whole)));
  store(dx, d, whole);
  if (both) store(dp, d, whole);
}

@inline
function slopes<F>(rows: i32, n: i32, y: usize, dy: usize, yRow: usize, dx: usize, dxRow: usize, dp: usize, dpRow: usize, both: bool): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++, y += yRow, dy += yRow, dx += dxRow, dp += dpRow) {
    let i: usize = 0;
    for (; i + 12 < bytes; i += 16) slopeLanes<F>(y + i, dy + i, dx + i, dp + i, both, true);
    for (; i < bytes; i += 4) slopeLanes<F>(y + i, dy + i, dx + i, dp + i, both, false);
  }
}

@inline
function slopesOf<F>(rows: i32, n: i32, y: usize, dy: usize, yRow: usize, dx: usize, dxRow: usize, dp: usize, dpRow: usize): void {
  if (dp === 0) slopes<F>(rows, n, y, dy, yRow, dx, dxRow, 0, 0, false);
  else slopes<F>(rows, n, y, dy, yRow, dx, dxRow, dp, dpRow, true);
}

/** The backward of `activateGates`, from y and ∂L/∂y: writes ∂L/∂x and, unless dp is 0, the same as ∂L/∂p. */
export function gateSlopes(
  rows: i32, n: i32, codes: i32, gates: i32, y: usize, dy: usize, yRow: usize, yGate: usize, dx: usize, dxRow: usize, dxGate: usize,
  dp: usize, dpRow: usize, dpGate: usize,
): void {
  for (; gates > 0; gates--, codes >>= 4, y += yGate, dy += yGate, dx += dxGate, dp = dp === 0 ? 0 : dp + dpGate) {
    const code = codes & 15;
    if (code === 0) slopesOf<Linear>(rows, n, y, dy, yRow, dx, dxRow, dp, dpRow);
    else if (code === 1) slopesOf<Sigmoid>(rows, n, y, dy, yRow, dx, dxRow, dp, dpRow);
    else if (code === 2) slopesOf<Tanh>(rows, n, y, dy, yRow, dx, dxRow, dp, dpRow);
    else slopesOf<Relu>(rows, n, y, dy, yRow, dx, dxRow, dp, dpRow);
  }
}
