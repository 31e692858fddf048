import { defineOp } from "../autograd.ts";
import { kernels } from "../core_kernels.ts";
import { empty } from "../create.ts";
import { checkTensor, type Tensor } from "../tensor.ts";
import { overElements } from "../threads.ts";
import { multiply } from "./arithmetic.ts";

/** Functions whose kernel and gradient kernel have the same name. */
type Unary = "log" | "sqrt" | "abs" | "relu" | "gelu" | "sigmoid" | "softplus" | "tanh";

/** An elementwise op y = f(x) whose gradient kernel takes x or y, as `saved` says, and ∂L/∂y. */
function unaryOp(name: Unary, saved: "input" | "output"): (x: Tensor) => Tensor {
  return defineOp(name, (x: Tensor) => {
    checkTensor(name, x);
    const y = empty(x.shape);
    overElements(x.size, (at, n) => kernels[name](x.offset + at, y.offset + at, n));
    return {
      inputs: [x],
      output: y,
      backward: (dy) => {
        const dx = empty(x.shape);
        const from = (saved === "input" ? x : y).offset;
        overElements(x.size, (at, n) => kernels[`${name}Gradient`](from + at, dy.offset + at, dx.offset + at, n));
        return [dx];
      },
    };
  });
}

/**
 * Exponential: y = eˣ, ∂y/∂x = y. The error is at most 1.0 units in the last place.
 *
 * @example
 * ```ts
 * import { exp, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(exp(tensor([0, -1000, 1000])).toArray(), [1, 0, Infinity]);
 * ```
 */
export const exp: (x: Tensor) => Tensor = defineOp("exp", (x: Tensor) => {
  checkTensor("exp", x);
  const y = empty(x.shape);
  overElements(x.size, (at, n) => kernels.exp(x.offset + at, y.offset + at, n));
  return { inputs: [x], output: y, backward: (dy) => [multiply(dy, y)] };
});

/**
 * Natural logarithm: y = ln x, ∂y/∂x = 1/x. −∞ at 0, NaN below 0. The error is at most 0.9 units in the last place.
 *
 * @example
 * ```ts
 * import { log, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(log(tensor([1, 0])).toArray(), [0, -Infinity]);
 * ```
 */
export const log: (x: Tensor) => Tensor = unaryOp("log", "input");

/**
 * Square root: y = √x, ∂y/∂x = 1/(2y). NaN below 0.
 *
 * @example
 * ```ts
 * import { sqrt, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(sqrt(tensor([4, 9])).toArray(), [2, 3]);
 * ```
 */
export const sqrt: (x: Tensor) => Tensor = unaryOp("sqrt", "output");

/**
 * Absolute value: y = |x|, ∂y/∂x = sign(x), which is 0 at 0.
 *
 * @example
 * ```ts
 * import { abs, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(abs(tensor([-1, 2])).toArray(), [1, 2]);
 * ```
 */
export const abs: (x: Tensor) => Tensor = unaryOp("abs", "input");

/** Bounds for {@linkcode clamp}. */
export interface ClampBounds {
  /**
   * The lower bound.
   *
   * @default {-Infinity}
   */
  min?: number;
  /**
   * The upper bound.
   *
   * @default {Infinity}
   */
  max?: number;
}

/**
 * Clamps values to bounds: y = min(max(x, min), max), ∂y/∂x = 1 within the bounds, else 0.
 *
 * @throws {RangeError} If a bound is NaN, or `min` is above `max`.
 *
 * @example
 * ```ts
 * import { clamp, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(clamp(tensor([-5, 0.5, 5]), { min: 0, max: 1 }).toArray(), [0, 0.5, 1]);
 * ```
 */
export const clamp: (x: Tensor, bounds: ClampBounds) => Tensor = defineOp("clamp", (x: Tensor, bounds: ClampBounds) => {
  checkTensor("clamp", x);
  const { min = -Infinity, max = Infinity } = bounds;
  if (!(min <= max)) throw new RangeError(`Cannot clamp: min must not be above max, got ${min} and ${max}`);
  const y = empty(x.shape);
  kernels.clamp(x.offset, y.offset, x.size, min, max);
  return {
    inputs: [x],
    output: y,
    backward: (dy) => {
      const dx = empty(x.shape);
      kernels.clampGradient(x.offset, dy.offset, dx.offset, x.size, min, max);
      return [dx];
    },
  };
});

/**
 * Rectified linear unit: y = max(x, 0), ∂y/∂x = 1 above 0, else 0 (Nair and Hinton, 2010).
 *
 * @example
 * ```ts
 * import { relu, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(relu(tensor([-1, 2])).toArray(), [0, 2]);
 * ```
 */
export const relu: (x: Tensor) => Tensor = unaryOp("relu", "input");

/**
 * Gaussian error linear unit: y = x·Φ(x), ∂y/∂x = Φ(x) + x·φ(x), where Φ is the normal distribution and φ its density. Exact,
 * not the tanh approximation (Hendrycks and Gimpel, 2016).
 *
 * @example
 * ```ts
 * import { gelu, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.ok(Math.abs(gelu(tensor([1])).item() - 0.8413447) < 1e-6);
 * ```
 */
export const gelu: (x: Tensor) => Tensor = unaryOp("gelu", "input");

/**
 * Logistic function: y = σ(x) = 1/(1 + e⁻ˣ), ∂y/∂x = y·(1 − y). The error is at most 2.4 units in the last place.
 *
 * @example
 * ```ts
 * import { sigmoid, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(sigmoid(tensor([0, 100])).toArray(), [0.5, 1]);
 * ```
 */
export const sigmoid: (x: Tensor) => Tensor = unaryOp("sigmoid", "output");

/**
 * Softplus, a smooth rectifier: y = ln(1 + eˣ), ∂y/∂x = σ(x). The error is at most 1.7 units in the last place.
 *
 * @example
 * ```ts
 * import { softplus, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(softplus(tensor([100, -200])).toArray(), [100, 0]);
 * ```
 */
export const softplus: (x: Tensor) => Tensor = unaryOp("softplus", "input");

/**
 * Hyperbolic tangent: y = tanh(x), ∂y/∂x = 1 − y². The error is at most 1.3 units in the last place.
 *
 * @example
 * ```ts
 * import { tanh, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(tanh(tensor([0, 100, -100])).toArray(), [0, 1, -1]);
 * ```
 */
export const tanh: (x: Tensor) => Tensor = unaryOp("tanh", "output");
