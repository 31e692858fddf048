import { defineOp } from "../autograd.ts";
import { kernels } from "../core_kernels.ts";
import { empty } from "../create.ts";
import type { Random } from "../random.ts";
import { checkTensor, type Tensor } from "../tensor.ts";

/** Options for {@linkcode dropout}. */
export interface DropoutOptions {
  /** The probability p that an element becomes 0, at least 0 and below 1. */
  rate: number;
  /** The random numbers. */
  random: Random;
}

/**
 * Sets random elements to 0 and scales the others up, which keeps the expected value: y = x·m/(1 − p), where m is 0 with
 * probability p and 1 otherwise, ∂y/∂x = m/(1 − p) (Srivastava et al., 2014). Use it only in training.
 *
 * @throws {RangeError} If the rate is not in [0, 1).
 *
 * @example
 * ```ts
 * import { dropout, full, Random } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * const y = dropout(full([100], 1), { rate: 0.5, random: new Random(1) });
 * assert.ok(y.data.every((value) => value === 0 || value === 2));
 * ```
 */
export const dropout: (x: Tensor, options: DropoutOptions) => Tensor = defineOp(
  "dropout",
  (x: Tensor, { rate, random }: DropoutOptions) => {
    checkTensor("drop out", x);
    if (!(rate >= 0 && rate < 1)) {
      throw new RangeError(`Cannot drop out: rate must be at least 0 and below 1, got ${rate}`);
    }
    const mask = empty(x.shape);
    const data = mask.data;
    const kept = 1 / (1 - rate);
    for (let i = 0; i < data.length; i++) data[i] = random.uniform() < rate ? 0 : kept;
    const masked = (from: Tensor): Tensor => {
      const to = empty(x.shape);
      kernels.multiply(from.offset, mask.offset, to.offset, 1, x.size, 0, 4, 0, 4);
      return to;
    };
    return { inputs: [x], output: masked(x), backward: (dy) => [masked(dy)] };
  },
);
