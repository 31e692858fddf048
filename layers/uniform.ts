import type { Random } from "@unfold/core";
import type { Initializer } from "./glorot_uniform.ts";

/** Options for {@linkcode uniform}. */
export interface UniformOptions {
  /** The values lie within ±bound. PyTorch's recurrent layers start with 1/√hiddenSize. */
  bound: number;
}

/**
 * Uniform in ±bound.
 *
 * @param random Where the numbers come from.
 * @throws {RangeError} If the bound is not a finite number of 0 or more.
 *
 * @example
 * ```ts
 * import { Parameter, Random } from "@unfold/core";
 * import { uniform } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const { data } = new Parameter([2, 4], uniform(new Random(1), { bound: 0.1 }));
 * assert.ok(data.every((value) => Math.abs(value) <= 0.1));
 * ```
 */
export function uniform(random: Random, { bound }: UniformOptions): Initializer {
  if (!(bound >= 0 && bound < Infinity)) {
    throw new RangeError(`Cannot initialize: bound must be a finite number of 0 or more, got ${bound}`);
  }
  return (data) => {
    for (let i = 0; i < data.length; i++) data[i] = random.uniform(-bound, bound);
  };
}
