// The gates of a GRU in the order r, z, n. A row of `gates` holds all three side by side: 3·hidden values.

import { flush, load, madd, nmadd, one, gate4, store, gateTanh4 } from "../../core/kernels/simd";

/** h' = (1 − z)·n + z·h = n + z·(h − n). */
@inline
function mix(n: v128, z: v128, h: v128): v128 {
  return madd(z, f32x4.sub(h, n), n);
}

/** x·(1 − x). */
@inline
function logisticSlope(x: v128): v128 {
  return f32x4.mul(x, f32x4.sub(one(), x));
}

@inline
function afterLanes(gates: usize, products: usize, bias: usize, recurrentBias: usize, h: usize, before: usize, output: usize, whole: bool): void {
  const r = gate4(f32x4.add(f32x4.add(load(gates, whole), load(products, whole)), load(bias, whole)));
  const z = gate4(f32x4.add(f32x4.add(load(gates + h, whole), load(products + h, whole)), load(bias + h, whole)));
  const q = f32x4.add(load(products + 2 * h, whole), load(recurrentBias, whole));
  const n = gateTanh4(madd(r, q, f32x4.add(load(gates + 2 * h, whole), load(bias + 2 * h, whole))));
  store(gates, r, whole);
  store(gates + h, z, whole);
  store(gates + 2 * h, n, whole);
  store(products + 2 * h, q, whole);
  store(output, mix(n, z, load(before, whole)), whole);
}

/**
 * One time step with the reset gate after the product: r and z from gates + products + bias, q = products_n + recurrentBias,
 * n = tanh(gates_n + bias_n + r·q). The activations replace `gates`; q replaces products_n.
 */
export function gruAfterForward(
  batch: i32, hidden: i32, gates: usize, products: usize, bias: usize, recurrentBias: usize, before: usize, output: usize,
): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 2 * h, products += 2 * h) {
    const end = gates + h;
    let b = bias, rb = recurrentBias;
    for (; gates + 12 < end; gates += 16, products += 16, b += 16, rb += 16, before += 16, output += 16) {
      afterLanes(gates, products, b, rb, h, before, output, true);
    }
    for (; gates < end; gates += 4, products += 4, b += 4, rb += 4, before += 4, output += 4) {
      afterLanes(gates, products, b, rb, h, before, output, false);
    }
  }
}

@inline
function afterBackwardLanes(
  gates: usize, products: usize, h: usize, before: usize, dOutput: usize, dHidden: usize, dGates: usize, dProducts: usize, whole: bool,
): void {
  const r = load(gates, whole), z = load(gates + h, whole), n = load(gates + 2 * h, whole);
  const dh = f32x4.add(load(dOutput, whole), load(dHidden, whole));
  const dn = flush(f32x4.mul(f32x4.mul(dh, f32x4.sub(one(), z)), nmadd(n, n, one())));
  const dz = flush(f32x4.mul(f32x4.mul(dh, f32x4.sub(load(before, whole), n)), logisticSlope(z)));
  const dr = flush(f32x4.mul(f32x4.mul(dn, load(products + 2 * h, whole)), logisticSlope(r)));
  store(dGates, dr, whole);
  store(dGates + h, dz, whole);
  store(dGates + 2 * h, dn, whole);
  store(dProducts, dr, whole);
  store(dProducts + h, dz, whole);
  store(dProducts + 2 * h, flush(f32x4.mul(dn, r)), whole);
  store(dHidden, flush(f32x4.mul(dh, z)), whole);
}

/**
 * The backward of `gruAfterForward`: writes ∂L/∂gates and ∂L/∂products, and replaces `dHidden` with the part that reaches the
 * previous state directly.
 */
export function gruAfterBackward(
  batch: i32, hidden: i32, gates: usize, products: usize, before: usize, dOutput: usize, dHidden: usize, dGates: usize, dProducts: usize,
): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 2 * h, products += 2 * h, dGates += 2 * h, dProducts += 2 * h) {
    const end = gates + h;
    for (; gates + 12 < end; gates += 16, products += 16, before += 16, dOutput += 16, dHidden += 16, dGates += 16, dProducts += 16) {
      afterBackwardLanes(gates, products, h, before, dOutput, dHidden, dGates, dProducts, true);
    }
    for (; gates < end; gates += 4, products += 4, before += 4, dOutput += 4, dHidden += 4, dGates += 4, dProducts += 4) {
      afterBackwardLanes(gates, products, h, before, dOutput, dHidden, dGates, dProducts, false);
    }
  }
}

@inline
function resetLanes(gates: usize, bias: usize, h: usize, input: usize, resetState: usize, whole: bool): void {
  const r = gate4(f32x4.add(load(gates, whole), load(bias, whole)));
  store(gates, r, whole);
  store(gates + h, gate4(f32x4.add(load(gates + h, whole), load(bias + h, whole))), whole);
  store(resetState, f32x4.mul(r, load(input, whole)), whole);
}

/** The first half of a time step with the reset gate before the product: activates r and z, then resetState = r·h. */
export function gruBeforeReset(batch: i32, hidden: i32, gates: usize, bias: usize, input: usize, resetState: usize): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 2 * h) {
    const end = gates + h;
    let b = bias;
    for (; gates + 12 < end; gates += 16, b += 16, input += 16, resetState += 16) resetLanes(gates, b, h, input, resetState, true);
    for (; gates < end; gates += 4, b += 4, input += 4, resetState += 4) resetLanes(gates, b, h, input, resetState, false);
  }
}

@inline
function outputLanes(gates: usize, bias: usize, h: usize, before: usize, output: usize, whole: bool): void {
  const n = gateTanh4(f32x4.add(load(gates + 2 * h, whole), load(bias + 2 * h, whole)));
  store(gates + 2 * h, n, whole);
  store(output, mix(n, load(gates + h, whole), load(before, whole)), whole);
}

/** The second half, after the product of resetState was added to n: activates n and computes the output. */
export function gruBeforeOutput(batch: i32, hidden: i32, gates: usize, bias: usize, before: usize, output: usize): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 2 * h) {
    const end = gates + h;
    let b = bias;
    for (; gates + 12 < end; gates += 16, b += 16, before += 16, output += 16) outputLanes(gates, b, h, before, output, true);
    for (; gates < end; gates += 4, b += 4, before += 4, output += 4) outputLanes(gates, b, h, before, output, false);
  }
}

@inline
function outputBackwardLanes(gates: usize, h: usize, before: usize, dOutput: usize, dHidden: usize, dGates: usize, whole: bool): void {
  const z = load(gates + h, whole), n = load(gates + 2 * h, whole);
  const dh = f32x4.add(load(dOutput, whole), load(dHidden, whole));
  store(dGates + h, flush(f32x4.mul(f32x4.mul(dh, f32x4.sub(load(before, whole), n)), logisticSlope(z))), whole);
  store(dGates + 2 * h, flush(f32x4.mul(f32x4.mul(dh, f32x4.sub(one(), z)), nmadd(n, n, one()))), whole);
  store(dHidden, flush(f32x4.mul(dh, z)), whole);
}

/**
 * The backward of the second half: writes ∂L/∂gates of z and n, and replaces `dHidden` with the part that reaches the previous
 * state directly.
 */
export function gruBeforeOutputBackward(batch: i32, hidden: i32, gates: usize, before: usize, dOutput: usize, dHidden: usize, dGates: usize): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 2 * h, dGates += 2 * h) {
    const end = gates + h;
    for (; gates + 12 < end; gates += 16, before += 16, dOutput += 16, dHidden += 16, dGates += 16) {
      outputBackwardLanes(gates, h, before, dOutput, dHidden, dGates, true);
    }
    for (; gates < end; gates += 4, before += 4, dOutput += 4, dHidden += 4, dGates += 4) {
      outputBackwardLanes(gates, h, before, dOutput, dHidden, dGates, false);
    }
  }
}

@inline
function resetBackwardLanes(gates: usize, input: usize, dReset: usize, dInput: usize, dGates: usize, whole: bool): void {
  const r = load(gates, whole), d = load(dReset, whole);
  store(dGates, flush(f32x4.mul(f32x4.mul(d, load(input, whole)), logisticSlope(r))), whole);
  store(dInput, madd(d, r, load(dInput, whole)), whole);
}

/**
 * The backward of the first half, from ∂L/∂resetState: writes ∂L/∂gates of r, and adds the gradient that reaches h through r·h to
 * `dInput`.
 */
export function gruBeforeResetBackward(batch: i32, hidden: i32, gates: usize, input: usize, dReset: usize, dInput: usize, dGates: usize): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++, gates += 2 * h, dGates += 2 * h) {
    const end = gates + h;
    for (; gates + 12 < end; gates += 16, input += 16, dReset += 16, dInput += 16, dGates += 16) {
      resetBackwardLanes(gates, input, dReset, dInput, dGates, true);
    }
    for (; gates < end; gates += 4, input += 4, dReset += 4, dInput += 4, dGates += 4) {
      resetBackwardLanes(gates, input, dReset, dInput, dGates, false);
    }
  }
}
