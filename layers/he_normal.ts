import type { Random } from "@unfold/core";
import type { Initializer } from "./glorot_uniform.ts";

/**
 * Normal with mean 0 and deviation √(2/fanIn), which keeps the variance of activations through rectifiers (He et al., 2015).
 *
 * @param random Where the numbers come from.
 * @param options A fan that differs from the first axis of the shape.
 *
 * @example
 * ```ts
 * import { Parameter, Random } from "@unfold/core";
 * import { heNormal } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const { data } = new Parameter([200, 200], heNormal(new Random(1)));
 * const variance = data.reduce((total, value) => total + value * value, 0) / data.length;
 * assert.ok(Math.abs(variance - 0.01) < 2e-4);
 * ```
 */
export function heNormal(random: Random, options: { fanIn?: number } = {}): Initializer {
  return (data, shape) => {
    const deviation = Math.sqrt(2 / (options.fanIn ?? shape[0] ?? 1));
    for (let i = 0; i < data.length; i++) data[i] = random.normal(0, deviation);
  };
}
