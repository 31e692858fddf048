// The state of a GRU, from the values of its gates r, z and n, for n elements.

import { flush, load, madd, nmadd, one, store, gateTanh4 } from "../../core/kernels/simd";

/** (1 − z)·y + z·h. */
@inline
function mix(z: v128, y: v128, h: v128): v128 {
  return madd(z, f32x4.sub(h, y), y);
}

@inline
function afterLanes(r: usize, z: usize, candidate: usize, product: usize, before: usize, hidden: usize, whole: bool): void {
  const y = gateTanh4(madd(load(r, whole), load(product, whole), load(candidate, whole)));
  store(candidate, y, whole);
  store(hidden, mix(load(z, whole), y, load(before, whole)), whole);
}

/** With the reset gate after the product: candidate = tanh(candidate + r·product), in place, then as `gruMix`. */
export function gruAfter(n: i32, r: usize, z: usize, candidate: usize, product: usize, before: usize, hidden: usize): void {
  const bytes = <usize>n << 2;
  let at: usize = 0;
  for (; at + 12 < bytes; at += 16) afterLanes(r + at, z + at, candidate + at, product + at, before + at, hidden + at, true);
  for (; at < bytes; at += 4) afterLanes(r + at, z + at, candidate + at, product + at, before + at, hidden + at, false);
}

@inline
function afterBackwardLanes(
  r: usize, z: usize, candidate: usize, product: usize, before: usize, dHidden: usize,
  dR: usize, dZ: usize, dCandidate: usize, dProduct: usize, dBefore: usize, whole: bool,
): void {
  const d = load(dHidden, whole), share = load(z, whole), y = load(candidate, whole);
  const dy = f32x4.mul(nmadd(d, share, d), nmadd(y, y, one()));
  store(dZ, f32x4.mul(d, f32x4.sub(load(before, whole), y)), whole);
  store(dCandidate, dy, whole);
  store(dR, f32x4.mul(dy, load(product, whole)), whole);
  store(dProduct, f32x4.mul(dy, load(r, whole)), whole);
  store(dBefore, flush(madd(d, share, load(dBefore, whole))), whole);
}

/** The backward of `gruAfter`: writes ∂L/∂gates, and adds to ∂L/∂before. */
export function gruAfterBackward(
  n: i32, r: usize, z: usize, candidate: usize, product: usize, before: usize, dHidden: usize,
  dR: usize, dZ: usize, dCandidate: usize, dProduct: usize, dBefore: usize,
): void {
  const bytes = <usize>n << 2;
  let at: usize = 0;
  for (; at + 12 < bytes; at += 16) {
    afterBackwardLanes(
      r + at, z + at, candidate + at, product + at, before + at, dHidden + at, dR + at, dZ + at, dCandidate + at, dProduct + at,
      dBefore + at, true,
    );
  }
  for (; at < bytes; at += 4) {
    afterBackwardLanes(
      r + at, z + at, candidate + at, product + at, before + at, dHidden + at, dR + at, dZ + at, dCandidate + at, dProduct + at,
      dBefore + at, false,
    );
  }
}

@inline
function mixLanes(z: usize, candidate: usize, before: usize, hidden: usize, whole: bool): void {
  store(hidden, mix(load(z, whole), load(candidate, whole), load(before, whole)), whole);
}

/** h = (1 − z)·candidate + z·before. */
export function gruMix(n: i32, z: usize, candidate: usize, before: usize, hidden: usize): void {
  const bytes = <usize>n << 2;
  let at: usize = 0;
  for (; at + 12 < bytes; at += 16) mixLanes(z + at, candidate + at, before + at, hidden + at, true);
  for (; at < bytes; at += 4) mixLanes(z + at, candidate + at, before + at, hidden + at, false);
}

@inline
function mixBackwardLanes(
  z: usize, candidate: usize, before: usize, dHidden: usize, dZ: usize, dCandidate: usize, dBefore: usize, whole: bool,
): void {
  const d = load(dHidden, whole), share = load(z, whole);
  store(dZ, f32x4.mul(d, f32x4.sub(load(before, whole), load(candidate, whole))), whole);
  store(dCandidate, nmadd(d, share, d), whole);
  store(dBefore, flush(madd(d, share, load(dBefore, whole))), whole);
}

/** The backward of `gruMix`: writes ∂L/∂z and ∂L/∂candidate, and adds to ∂L/∂before. */
export function gruMixBackward(
  n: i32, z: usize, candidate: usize, before: usize, dHidden: usize, dZ: usize, dCandidate: usize, dBefore: usize,
): void {
  const bytes = <usize>n << 2;
  let at: usize = 0;
  for (; at + 12 < bytes; at += 16) {
    mixBackwardLanes(z + at, candidate + at, before + at, dHidden + at, dZ + at, dCandidate + at, dBefore + at, true);
  }
  for (; at < bytes; at += 4) {
    mixBackwardLanes(z + at, candidate + at, before + at, dHidden + at, dZ + at, dCandidate + at, dBefore + at, false);
  }
}

@inline
function resetBackwardLanes(r: usize, input: usize, dLate: usize, dR: usize, dInput: usize, whole: bool): void {
  const d = load(dLate, whole);
  store(dR, f32x4.mul(d, load(input, whole)), whole);
  store(dInput, madd(d, load(r, whole), load(dInput, whole)), whole);
}

/** The backward of r·input: writes ∂L/∂r and adds to ∂L/∂input. */
export function gruResetBackward(n: i32, r: usize, input: usize, dLate: usize, dR: usize, dInput: usize): void {
  const bytes = <usize>n << 2;
  let at: usize = 0;
  for (; at + 12 < bytes; at += 16) resetBackwardLanes(r + at, input + at, dLate + at, dR + at, dInput + at, true);
  for (; at < bytes; at += 4) resetBackwardLanes(r + at, input + at, dLate + at, dR + at, dInput + at, false);
}
