import type { Random, Shape } from "@unfold/core";

/** Writes the first values of a parameter. */
export type Initializer = (data: Float32Array, shape: Shape) => void;

/**
 * Uniform in ±√(6/(fanIn + fanOut)), which keeps the variance of activations and gradients (Glorot and Bengio, 2010).
 *
 * @param random Where the numbers come from.
 * @param options Fans that differ from the two axes of the shape.
 *
 * @example
 * ```ts
 * import { Parameter, Random } from "@unfold/core";
 * import { glorotUniform } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2, 4], glorotUniform(new Random(1)));
 * assert.ok(weight.data.every((value) => Math.abs(value) <= 1));
 * ```
 */
export function glorotUniform(random: Random, options: { fanIn?: number; fanOut?: number } = {}): Initializer {
  return (data, shape) => {
    const { fanIn = shape[0] ?? 1, fanOut = shape.at(-1) ?? 1 } = options;
    const bound = Math.sqrt(6 / (fanIn + fanOut));
    for (let i = 0; i < data.length; i++) data[i] = random.uniform(-bound, bound);
  };
}
