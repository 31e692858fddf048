// The gates of an LSTM in the order i, f, g, o. A row of `gates` holds all four side by side: 4·hidden values.

import { flush, load, madd, nmadd, one, gate4, store, gateTanh4 } from "../../core/kernels/simd";

@inline
function forwardLanes(gates: usize, bias: usize, h: usize, before: usize, cell: usize, tanhCell: usize, output: usize, whole: bool): void {
  const i = gate4(f32x4.add(load(gates, whole), load(bias, whole)));
  const f = gate4(f32x4.add(load(gates + h, whole), load(bias + h, whole)));
  const g = gateTanh4(f32x4.add(load(gates + 2 * h, whole), load(bias + 2 * h, whole)));
  const o = gate4(f32x4.add(load(gates + 3 * h, whole), load(bias + 3 * h, whole)));
  const c = madd(f, load(before, whole), f32x4.mul(i, g));
  const t = gateTanh4(c);
  store(gates, i, whole);
  store(gates + h, f, whole);
  store(gates + 2 * h, g, whole);
  store(gates + 3 * h, o, whole);
  store(cell, c, whole);
  store(tanhCell, t, whole);
  store(output, f32x4.mul(o, t), whole);
}

/**
 * One time step for a batch: replaces products with activations in `gates`, then c = f·before + i·g, t = tanh(c), h = o·t.
 */
export function lstmForward(batch: i32, hidden: i32, gates: usize, bias: usize, before: usize, cell: usize, tanhCell: usize, output: usize): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 3 * h) {
    const end = gates + h;
    let b = bias;
    for (; gates + 12 < end; gates += 16, b += 16, before += 16, cell += 16, tanhCell += 16, output += 16) {
      forwardLanes(gates, b, h, before, cell, tanhCell, output, true);
    }
    for (; gates < end; gates += 4, b += 4, before += 4, cell += 4, tanhCell += 4, output += 4) {
      forwardLanes(gates, b, h, before, cell, tanhCell, output, false);
    }
  }
}

@inline
function backwardLanes(gates: usize, h: usize, before: usize, tanhCell: usize, dOutput: usize, dHidden: usize, dCell: usize, dGates: usize, normalized: bool, whole: bool): void {
  const unit = one();
  const i = load(gates, whole), f = load(gates + h, whole), g = load(gates + 2 * h, whole), o = load(gates + 3 * h, whole);
  const t = load(tanhCell, whole);
  const dh = f32x4.add(load(dOutput, whole), load(dHidden, whole));
  const dc = normalized ? load(dCell, whole) : madd(f32x4.mul(dh, o), nmadd(t, t, unit), load(dCell, whole));
  store(dGates, flush(f32x4.mul(f32x4.mul(dc, g), f32x4.mul(i, f32x4.sub(unit, i)))), whole);
  store(dGates + h, flush(f32x4.mul(f32x4.mul(dc, load(before, whole)), f32x4.mul(f, f32x4.sub(unit, f)))), whole);
  store(dGates + 2 * h, flush(f32x4.mul(f32x4.mul(dc, i), nmadd(g, g, unit))), whole);
  store(dGates + 3 * h, flush(f32x4.mul(f32x4.mul(dh, t), f32x4.mul(o, f32x4.sub(unit, o)))), whole);
  store(dCell, flush(f32x4.mul(dc, f)), whole);
}

@inline
function backward(
  batch: i32, hidden: i32, gates: usize, before: usize, tanhCell: usize, dOutput: usize, dHidden: usize, dCell: usize, dGates: usize,
  normalized: bool,
): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 3 * h, dGates += 3 * h) {
    const end = gates + h;
    for (; gates + 12 < end; gates += 16, before += 16, tanhCell += 16, dOutput += 16, dHidden += 16, dCell += 16, dGates += 16) {
      backwardLanes(gates, h, before, tanhCell, dOutput, dHidden, dCell, dGates, normalized, true);
    }
    for (; gates < end; gates += 4, before += 4, tanhCell += 4, dOutput += 4, dHidden += 4, dCell += 4, dGates += 4) {
      backwardLanes(gates, h, before, tanhCell, dOutput, dHidden, dCell, dGates, normalized, false);
    }
  }
}

/**
 * The backward of `lstmForward`: from ∂L/∂h (`dOutput` of this step plus `dHidden` from the next one) and ∂L/∂c to ∂L/∂gates
 * before activation and, in place, ∂L/∂c of the step before.
 */
export function lstmBackward(
  batch: i32, hidden: i32, gates: usize, before: usize, tanhCell: usize, dOutput: usize, dHidden: usize, dCell: usize, dGates: usize,
): void {
  backward(batch, hidden, gates, before, tanhCell, dOutput, dHidden, dCell, dGates, false);
}

// With layer normalization, h = o·tanh(LN(c)). `lstmNormalizedOutput` overwrites the tanh(c) and h of `lstmForward`. In the
// backward pass, the contribution of ∂L/∂h is added to ∂L/∂c before `lstmNormalizedBackward`.

/** t = tanh(LN(c)), in place, and h = o·t. */
export function lstmNormalizedOutput(batch: i32, hidden: i32, gates: usize, normalized: usize, output: usize): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 4 * h) {
    let o = gates + 3 * h;
    const end = o + h;
    for (; o + 12 < end; o += 16, normalized += 16, output += 16) normalizedOutputLanes(o, normalized, output, true);
    for (; o < end; o += 4, normalized += 4, output += 4) normalizedOutputLanes(o, normalized, output, false);
  }
}

@inline
function normalizedOutputLanes(o: usize, normalized: usize, output: usize, whole: bool): void {
  const t = gateTanh4(load(normalized, whole));
  store(normalized, t, whole);
  store(output, f32x4.mul(load(o, whole), t), whole);
}

/** ∂L/∂LN(c) = ∂L/∂h·o·(1 − t²). */
export function lstmNormalizedOutputBackward(
  batch: i32, hidden: i32, gates: usize, tanhCell: usize, dOutput: usize, dHidden: usize, dNormalized: usize,
): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 4 * h) {
    let o = gates + 3 * h;
    const end = o + h;
    for (; o + 12 < end; o += 16, tanhCell += 16, dOutput += 16, dHidden += 16, dNormalized += 16) {
      normalizedOutputBackwardLanes(o, tanhCell, dOutput, dHidden, dNormalized, true);
    }
    for (; o < end; o += 4, tanhCell += 4, dOutput += 4, dHidden += 4, dNormalized += 4) {
      normalizedOutputBackwardLanes(o, tanhCell, dOutput, dHidden, dNormalized, false);
    }
  }
}

@inline
function normalizedOutputBackwardLanes(o: usize, tanhCell: usize, dOutput: usize, dHidden: usize, dNormalized: usize, whole: bool): void {
  const t = load(tanhCell, whole);
  const dh = f32x4.add(load(dOutput, whole), load(dHidden, whole));
  store(dNormalized, f32x4.mul(f32x4.mul(dh, load(o, whole)), nmadd(t, t, one())), whole);
}

/** Like `lstmBackward`, but ∂L/∂c already includes the contribution of ∂L/∂h. */
export function lstmNormalizedBackward(
  batch: i32, hidden: i32, gates: usize, before: usize, tanhCell: usize, dOutput: usize, dHidden: usize, dCell: usize, dGates: usize,
): void {
  backward(batch, hidden, gates, before, tanhCell, dOutput, dHidden, dCell, dGates, true);
}
