// The simple recurrent cell: h = f(gates + bias) with f = tanh or ReLU.

import { flush, load, nmadd, one, splat, store, gateTanh4 } from "../../core/kernels/simd";

@inline
function forwardLanes(gates: usize, bias: usize, output: usize, relu: bool, whole: bool): void {
  const a = f32x4.add(load(gates, whole), load(bias, whole));
  store(output, relu ? f32x4.pmax(a, splat(0)) : gateTanh4(a), whole);
}

/** One time step for a batch. */
export function simpleRnnForward(batch: i32, hidden: i32, gates: usize, bias: usize, output: usize, relu: bool): void {
  const h = <usize>hidden << 2;
  for (let row = 0; row < batch; row++) {
    const end = gates + h;
    let b = bias;
    for (; gates + 12 < end; gates += 16, b += 16, output += 16) forwardLanes(gates, b, output, relu, true);
    for (; gates < end; gates += 4, b += 4, output += 4) forwardLanes(gates, b, output, relu, false);
  }
}

@inline
function backwardLanes(output: usize, dOutput: usize, dHidden: usize, dGates: usize, relu: bool, whole: bool): void {
  const h = load(output, whole);
  const dh = f32x4.add(load(dOutput, whole), load(dHidden, whole));
  store(dGates, flush(relu ? v128.and(dh, f32x4.gt(h, splat(0))) : f32x4.mul(dh, nmadd(h, h, one()))), whole);
}

/** The backward of `simpleRnnForward`: from ∂L/∂h, `dOutput` of this step plus `dHidden` from the next one, to ∂L/∂gates. */
export function simpleRnnBackward(batch: i32, hidden: i32, output: usize, dOutput: usize, dHidden: usize, dGates: usize, relu: bool): void {
  const end = output + (<usize>(batch * hidden) << 2);
  for (; output + 12 < end; output += 16, dOutput += 16, dHidden += 16, dGates += 16) {
    backwardLanes(output, dOutput, dHidden, dGates, relu, true);
  }
  for (; output < end; output += 4, dOutput += 4, dHidden += 4, dGates += 4) {
    backwardLanes(output, dOutput, dHidden, dGates, relu, false);
  }
}
