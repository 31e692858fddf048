import { defineOp } from "../autograd.ts";
import { type BinaryKernel, kernels } from "../core_kernels.ts";
import { empty, full, zeros } from "../create.ts";
import { memory } from "../memory.ts";
import { checkTensor, sameShape, type Tensor } from "../tensor.ts";
import { applyBinary, broadcastShape, copyStrided, reduceTo, stretchedStrides } from "./_broadcast.ts";

function times(x: Tensor, factor: number): Tensor {
  const y = empty(x.shape);
  kernels.affine(x.offset, y.offset, x.size, factor, 0);
  return y;
}

/**
 * Product with a number: y = factor·x, ∂y/∂x = factor.
 *
 * @example
 * ```ts
 * import { scale, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(scale(tensor([1, 2]), -3).toArray(), [-3, -6]);
 * ```
 */
export const scale: (x: Tensor, factor: number) => Tensor = defineOp("scale", (x: Tensor, factor: number) => {
  checkTensor("scale", x);
  if (typeof factor !== "number") {
    throw new TypeError(`Cannot scale: the factor must be a number, got ${typeof factor}; use multiply for tensors`);
  }
  return { inputs: [x], output: times(x, factor), backward: (dy) => [times(dy, factor)] };
});

/**
 * Negation: y = −x, ∂y/∂x = −1.
 *
 * @example
 * ```ts
 * import { negate, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(negate(tensor([1, -2])).toArray(), [-1, 2]);
 * ```
 */
export function negate(x: Tensor): Tensor {
  return scale(x, -1);
}

/**
 * Sum with broadcasting: y = a + b, ∂y/∂a = ∂y/∂b = 1.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { add, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(add(tensor([[1, 2], [3, 4]]), tensor([10, 20])).toArray(), [[11, 22], [13, 24]]);
 * ```
 */
export const add: (a: Tensor, b: Tensor) => Tensor = defineOp("add", (a: Tensor, b: Tensor) => ({
  inputs: [a, b],
  output: applyBinary("add", kernels.add, a, b),
  backward: (dy) => [reduceTo(dy, a.shape), reduceTo(dy, b.shape)],
}));

/**
 * Difference with broadcasting: y = a − b, ∂y/∂a = 1, ∂y/∂b = −1.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { subtract, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(subtract(tensor([5, 7]), tensor(2)).toArray(), [3, 5]);
 * ```
 */
export const subtract: (a: Tensor, b: Tensor) => Tensor = defineOp("subtract", (a: Tensor, b: Tensor) => ({
  inputs: [a, b],
  output: applyBinary("subtract", kernels.subtract, a, b),
  backward: (dy) => [reduceTo(dy, a.shape), b.requiresGrad ? scale(reduceTo(dy, b.shape), -1) : undefined],
}));

/**
 * Elementwise product with broadcasting: y = a·b, ∂y/∂a = b, ∂y/∂b = a.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { multiply, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(multiply(tensor([[1], [2]]), tensor([3, 4])).toArray(), [[3, 4], [6, 8]]);
 * ```
 */
export const multiply: (a: Tensor, b: Tensor) => Tensor = defineOp("multiply", (a: Tensor, b: Tensor) => ({
  inputs: [a, b],
  output: applyBinary("multiply", kernels.multiply, a, b),
  backward: (dy) => [
    a.requiresGrad ? reduceTo(applyBinary("multiply", kernels.multiply, dy, b), a.shape) : undefined,
    b.requiresGrad ? reduceTo(applyBinary("multiply", kernels.multiply, dy, a), b.shape) : undefined,
  ],
}));

/**
 * Elementwise quotient with broadcasting: y = a/b, ∂y/∂a = 1/b, ∂y/∂b = −y/b.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { divide, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(divide(tensor([6, 8]), tensor(2)).toArray(), [3, 4]);
 * ```
 */
export const divide: (a: Tensor, b: Tensor) => Tensor = defineOp("divide", (a: Tensor, b: Tensor) => {
  const y = applyBinary("divide", kernels.divide, a, b);
  return {
    inputs: [a, b],
    output: y,
    backward: (dy) => {
      const quotient = (x: Tensor) => applyBinary("divide", kernels.divide, x, b);
      // In this order, since 1/b may be infinite where dy·y is 0.
      const db = () => scale(quotient(applyBinary("multiply", kernels.multiply, dy, y)), -1);
      return [
        a.requiresGrad ? reduceTo(quotient(dy), a.shape) : undefined,
        b.requiresGrad ? reduceTo(db(), b.shape) : undefined,
      ];
    },
  };
});

/** A kernel in JavaScript, which is fast enough for powers. */
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

/** As in C and NumPy, 1 to any power is 1, and so is −1 to ±∞; JavaScript returns NaN. */
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
 * Elementwise power with broadcasting: y = aᵇ, ∂y/∂a = b·aᵇ⁻¹, ∂y/∂b = y·ln a.
 *
 * A negative base with a fractional exponent gives NaN.
 *
 * @param base a.
 * @param exponent b: a tensor, or one number.
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

/**
 * Elementwise maximum of two tensors with broadcasting: y = max(a, b). The gradient goes to the larger value; equal values
 * get half each. If either value is NaN, the result is NaN and gets no gradient.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { maximum, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(maximum(tensor([1, 5]), tensor(3)).toArray(), [3, 5]);
 * ```
 */
export const maximum: (a: Tensor, b: Tensor) => Tensor = defineOp("maximum", (a: Tensor, b: Tensor) => ({
  inputs: [a, b],
  output: applyBinary("maximum", kernels.maximum, a, b),
  backward: (dy) => {
    const part = (x: Tensor, other: Tensor) => {
      const share = applyBinary("maximum", kernels.maximumShare, x, other);
      return reduceTo(applyBinary("multiply", kernels.multiply, dy, share), x.shape);
    };
    return [a.requiresGrad ? part(a, b) : undefined, b.requiresGrad ? part(b, a) : undefined];
  },
}));

/**
 * The smaller of two tensors, elementwise with broadcasting: y = min(a, b). The gradient goes to the smaller one, half of it to
 * each of two equal ones. NaN if either is NaN.
 *
 * @throws {TypeError} If the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { minimum, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(minimum(tensor([1, 5]), tensor(3)).toArray(), [1, 3]);
 * ```
 */
export const minimum: (a: Tensor, b: Tensor) => Tensor = defineOp("minimum", (a: Tensor, b: Tensor) => ({
  inputs: [a, b],
  output: applyBinary("minimum", kernels.minimum, a, b),
  backward: (dy) => {
    // Whose share of the maximum is 1 is not the minimum, and the other way round.
    const part = (x: Tensor, other: Tensor) => {
      const share = applyBinary("minimum", kernels.maximumShare, other, x);
      return reduceTo(applyBinary("multiply", kernels.multiply, dy, share), x.shape);
    };
    return [a.requiresGrad ? part(a, b) : undefined, b.requiresGrad ? part(b, a) : undefined];
  },
}));

function select(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  const y = empty(a.shape);
  kernels.select(condition.offset, a.offset, b.offset, y.offset, y.size);
  return y;
}

/**
 * Elementwise choice with broadcasting: y = a where the condition is not 0, else b. The chosen value gets the gradient, and
 * the other one gets 0. A NaN or infinity that is not chosen does not reach y.
 *
 * It can still reach the gradients: both a and b are computed in full, and an op with an infinite slope turns the gradient 0
 * into 0·∞ = NaN. For `where(positive, log(x), zero)`, ∂ln x/∂x at x = 0 is such a slope. Choose before the op, so that it
 * never sees the bad values: `log(where(positive, x, one))`, as in the second example.
 *
 * @param condition Integers, such as a comparison returns.
 * @param a The values where the condition is not 0.
 * @param b The values where it is 0.
 * @throws {TypeError} If the shapes do not broadcast, or the condition does not hold integers.
 *
 * @example
 * ```ts
 * import { tensor, where } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const condition = tensor([1, 0], { dtype: "i32" });
 * assert.deepEqual(where(condition, tensor([1, 2]), tensor(NaN)).toArray(), [1, NaN]);
 * ```
 *
 * @example The logarithm of positive values, else 0, with finite gradients
 * ```ts
 * import { greater, log, sum, tensor, where } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([0, 2], { requiresGrad: true });
 * const positive = greater(x, tensor(0));
 * const safe = where(positive, x, tensor(1));
 * sum(where(positive, log(safe), tensor(0))).backward();
 * assert.deepEqual(x.grad?.toArray(), [0, 0.5]);
 * ```
 */
export const where: (condition: Tensor<"i32">, a: Tensor, b: Tensor) => Tensor = defineOp(
  "where",
  (condition: Tensor<"i32">, a: Tensor, b: Tensor) => {
    for (const x of [condition, a, b]) checkTensor("choose", x);
    if (condition.dtype !== "i32") {
      throw new TypeError(
        `Cannot choose: the condition must hold integers (dtype "i32"), got "${condition.dtype}"; make one by comparing, ` +
          "such as greater(x, tensor(0))",
      );
    }
    const shape = broadcastShape("choose", broadcastShape("choose", condition.shape, a.shape), b.shape);
    const stretch = (x: Tensor): Tensor =>
      sameShape(x.shape, shape) ? x : copyStrided(x, shape, stretchedStrides(x.shape, shape));
    // Copying moves 32 bits at a time, so integers need no kernel of their own.
    const chosen = stretch(condition as unknown as Tensor);
    return {
      inputs: [a, b],
      output: select(chosen, stretch(a), stretch(b)),
      backward: (dy) => {
        const none = zeros(shape);
        return [reduceTo(select(chosen, dy, none), a.shape), reduceTo(select(chosen, none, dy), b.shape)];
      },
    };
  },
);
