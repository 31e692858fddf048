import { defineOp } from "../autograd.ts";
import { kernels } from "../core_kernels.ts";
import { empty } from "../create.ts";
import { checkTensor, resolveAxis, type Tensor } from "../tensor.ts";
import { overRows } from "../threads.ts";
import { transpose } from "./shape.ts";

/** Options for {@linkcode softmax} and {@linkcode logSoftmax}. */
export interface AxisOptions {
  /**
   * The axis to normalise along; negative ones count from the last.
   *
   * @default {-1}
   */
  axis?: number;
}

/** An op y = f(x) on each line along an axis, whose gradient kernel takes y and ∂L/∂y. */
function rowsOp(name: "softmax" | "logSoftmax"): (x: Tensor, options?: AxisOptions) => Tensor {
  const alongLast = defineOp(name, (x: Tensor) => {
    const n = x.shape.at(-1)!;
    const rows = n === 0 ? 0 : x.size / n;
    const y = empty(x.shape);
    overRows(rows, n, (row, count) => {
      const at = 4 * row * n;
      kernels[name](x.offset + at, y.offset + at, count, n);
    });
    return {
      inputs: [x],
      output: y,
      backward: (dy) => {
        const dx = empty(x.shape);
        overRows(rows, n, (row, count) => {
          const at = 4 * row * n;
          kernels[`${name}Gradient`](y.offset + at, dy.offset + at, dx.offset + at, count, n);
        });
        return [dx];
      },
    };
  });
  return (x, { axis = -1 } = {}) => {
    checkTensor(name, x);
    const at = resolveAxis(name, x.shape, axis);
    const last = x.shape.length - 1;
    if (at === last) return alongLast(x);
    const swapped = x.shape.map((_, i) => i === at ? last : i === last ? at : i);
    return transpose(alongLast(transpose(x, swapped)), swapped);
  };
}

/**
 * Softmax along an axis: yᵢ = e^xᵢ/Σ e^xⱼ, ∂L/∂xᵢ = yᵢ·(∂L/∂yᵢ − Σ yⱼ·∂L/∂yⱼ). Large values do not overflow.
 *
 * @throws {RangeError} If x does not have the axis.
 *
 * @example
 * ```ts
 * import { softmax, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(softmax(tensor([1e4, 1e4])).toArray(), [0.5, 0.5]);
 * ```
 */
export const softmax: (x: Tensor, options?: AxisOptions) => Tensor = rowsOp("softmax");

/**
 * Logarithm of the softmax along an axis: yᵢ = xᵢ − ln Σ e^xⱼ, ∂L/∂xᵢ = ∂L/∂yᵢ − e^yᵢ·Σ ∂L/∂yⱼ. Large values do not overflow,
 * and small probabilities do not become −∞.
 *
 * @throws {RangeError} If x does not have the axis.
 *
 * @example
 * ```ts
 * import { logSoftmax, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(logSoftmax(tensor([0, -1e4])).toArray(), [0, -1e4]);
 * ```
 */
export const logSoftmax: (x: Tensor, options?: AxisOptions) => Tensor = rowsOp("logSoftmax");
