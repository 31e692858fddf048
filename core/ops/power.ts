import { defineOp } from "../define_op.ts";
import { full } from "../full.ts";
import { memory } from "../memory.ts";
import { reduceTo } from "../_reduce_to.ts";
import { type BinaryKernel, kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { applyBinary } from "./_binary.ts";

/** A kernel in JavaScript: powers are rare. */
function kernelOf(f: (a: number, b: number) => number): BinaryKernel {
  return (a, b, y, outer, inner, aOuter, aInner, bOuter, bInner) => {
    const numbers = new Float32Array(memory.buffer);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const left = numbers[(a + o * aOuter + i * aInner) >>> 2]!;
        numbers[(y >>> 2) + o * inner + i] = f(left, numbers[(b + o * bOuter + i * bInner) >>> 2]!);
      }
    }
  };
}

/** As in C and NumPy: 1 to any power is 1, and so is −1 to ±∞, where JavaScript has NaN. */
function pow(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
}

const value = kernelOf(pow);
const baseSlope = kernelOf((a, b) => b === 0 ? 0 : b * a ** (b - 1));
const exponentSlope = kernelOf((a, b) => a === 0 && b >= 0 ? 0 : a ** b * Math.log(a));

const broadcastPower = defineOp("power", (base: Tensor, exponent: Tensor) => ({
  inputs: [base, exponent],
  output: applyBinary("power", value, base, exponent),
  backward: (dy) => {
    const part = (to: Tensor, slope: BinaryKernel) => {
      const local = applyBinary("power", slope, base, exponent);
      return reduceTo(applyBinary("multiply", kernels.multiply, dy, local), to.shape);
    };
    return [
      base.requiresGrad ? part(base, baseSlope) : undefined,
      exponent.requiresGrad ? part(exponent, exponentSlope) : undefined,
    ];
  },
}));

/**
 * Power, elementwise with broadcasting: y = aᵇ, ∂y/∂a = b·aᵇ⁻¹, ∂y/∂b = y·ln a.
 *
 * @param base a.
 * @param exponent b, a tensor or one number. NaN for a negative base and an exponent that is no integer.
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { power, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(power(tensor([1, 2, 3]), 2).toArray(), [1, 4, 9]);
 * assert.deepEqual(power(tensor([2, 3]), tensor([3, 2])).toArray(), [8, 9]);
 * ```
 */
export function power(base: Tensor, exponent: Tensor | number): Tensor {
  return broadcastPower(base, typeof exponent === "number" ? full([], exponent) : exponent);
}
