// The states of an LSTM, from the values of its gates, for n elements.

import { flush, load, madd, nmadd, one, store, gateTanh4 } from "../../core/kernels/simd";

@inline
function forwardLanes(i: usize, f: usize, g: usize, o: usize, before: usize, cell: usize, tanhCell: usize, hidden: usize, whole: bool): void {
  const c = madd(load(f, whole), load(before, whole), f32x4.mul(load(i, whole), load(g, whole)));
  const t = gateTanh4(c);
  store(cell, c, whole);
  store(tanhCell, t, whole);
  store(hidden, f32x4.mul(load(o, whole), t), whole);
}

/** c = f·before + i·g, t = tanh(c), h = o·t. */
export function lstmForward(n: i32, i: usize, f: usize, g: usize, o: usize, before: usize, cell: usize, tanhCell: usize, hidden: usize): void {
  const bytes = <usize>n << 2;
  let at: usize = 0;
  for (; at + 12 < bytes; at += 16) forwardLanes(i + at, f + at, g + at, o + at, before + at, cell + at, tanhCell + at, hidden + at, true);
  for (; at < bytes; at += 4) forwardLanes(i + at, f + at, g + at, o + at, before + at, cell + at, tanhCell + at, hidden + at, false);
}

@inline
function backwardLanes(
  i: usize, f: usize, g: usize, o: usize, before: usize, tanhCell: usize, dHidden: usize, dCell: usize,
  dI: usize, dF: usize, dG: usize, dO: usize, dBefore: usize, normalized: bool, whole: bool,
): void {
  const t = load(tanhCell, whole), dh = load(dHidden, whole), fg = load(f, whole);
  const dc = normalized ? load(dCell, whole) : madd(f32x4.mul(dh, load(o, whole)), nmadd(t, t, one()), load(dCell, whole));
  store(dI, f32x4.mul(dc, load(g, whole)), whole);
  store(dF, f32x4.mul(dc, load(before, whole)), whole);
  store(dG, f32x4.mul(dc, load(i, whole)), whole);
  store(dO, f32x4.mul(dh, t), whole);
  store(dBefore, flush(madd(dc, fg, load(dBefore, whole))), whole);
}

@inline
function backward(
  n: i32, i: usize, f: usize, g: usize, o: usize, before: usize, tanhCell: usize, dHidden: usize, dCell: usize,
  dI: usize, dF: usize, dG: usize, dO: usize, dBefore: usize, normalized: bool,
): void {
  const bytes = <usize>n << 2;
  let at: usize = 0;
  for (; at + 12 < bytes; at += 16) {
    backwardLanes(
      i + at, f + at, g + at, o + at, before + at, tanhCell + at, dHidden + at, dCell + at, dI + at, dF + at, dG + at, dO + at,
      dBefore + at, normalized, true,
    );
  }
  for (; at < bytes; at += 4) {
    backwardLanes(
      i + at, f + at, g + at, o + at, before + at, tanhCell + at, dHidden + at, dCell + at, dI + at, dF + at, dG + at, dO + at,
      dBefore + at, normalized, false,
    );
  }
}

/** The backward of `lstmForward`: from ∂L/∂h and ∂L/∂c writes ∂L/∂gates, and adds to ∂L/∂before. */
export function lstmBackward(
  n: i32, i: usize, f: usize, g: usize, o: usize, before: usize, tanhCell: usize, dHidden: usize, dCell: usize,
  dI: usize, dF: usize, dG: usize, dO: usize, dBefore: usize,
): void {
  backward(n, i, f, g, o, before, tanhCell, dHidden, dCell, dI, dF, dG, dO, dBefore, false);
}

// With layer normalization, h = o·tanh(LN(c)). `lstmNormalizedOutput` overwrites the tanh(c) and h of `lstmForward`. In the
// backward pass, the contribution of ∂L/∂h is added to ∂L/∂c before `lstmNormalizedBackward`.

/** t = tanh(LN(c)), in place, and h = o·t. */
export function lstmNormalizedOutput(n: i32, o: usize, normalized: usize, hidden: usize): void {
  const bytes = <usize>n << 2;
  let at: usize = 0;
  for (; at + 12 < bytes; at += 16) normalizedOutputLanes(o + at, normalized + at, hidden + at, true);
  for (; at < bytes; at += 4) normalizedOutputLanes(o + at, normalized + at, hidden + at, false);
}

@inline
function normalizedOutputLanes(o: usize, normalized: usize, hidden: usize, whole: bool): void {
  const t = gateTanh4(load(normalized, whole));
  store(normalized, t, whole);
  store(hidden, f32x4.mul(load(o, whole), t), whole);
}

/** ∂L/∂LN(c) = ∂L/∂h·o·(1 − t²). */
export function lstmNormalizedOutputBackward(n: i32, o: usize, tanhCell: usize, dHidden: usize, dNormalized: usize): void {
  const bytes = <usize>n << 2;
  let at: usize = 0;
  for (; at + 12 < bytes; at += 16) normalizedOutputBackwardLanes(o + at, tanhCell + at, dHidden + at, dNormalized + at, true);
  for (; at < bytes; at += 4) normalizedOutputBackwardLanes(o + at, tanhCell + at, dHidden + at, dNormalized + at, false);
}

@inline
function normalizedOutputBackwardLanes(o: usize, tanhCell: usize, dHidden: usize, dNormalized: usize, whole: bool): void {
  const t = load(tanhCell, whole);
  store(dNormalized, f32x4.mul(f32x4.mul(load(dHidden, whole), load(o, whole)), nmadd(t, t, one())), whole);
}

/** Like `lstmBackward`, but ∂L/∂c already includes the contribution of ∂L/∂h. */
export function lstmNormalizedBackward(
  n: i32, i: usize, f: usize, g: usize, o: usize, before: usize, tanhCell: usize, dHidden: usize, dCell: usize,
  dI: usize, dF: usize, dG: usize, dO: usize, dBefore: usize,
): void {
  backward(n, i, f, g, o, before, tanhCell, dHidden, dCell, dI, dF, dG, dO, dBefore, true);
}
