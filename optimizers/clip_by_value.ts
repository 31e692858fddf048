import { coreKernels } from "@unfold/core/kernels";
import { checkPositive } from "./_check.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/**
 * Holds each gradient within ±`most`: g ← min(max(g, −most), most). Its direction changes; `clipByGlobalNorm` keeps it.
 *
 * @param most The bound, above 0.
 * @throws {RangeError} If the bound is not above 0.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { clipByValue, Optimizer, sgd } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2]);
 * weight.grad.data.set([30, -0.5]);
 * new Optimizer({ weight }, [clipByValue(1), sgd()], { learningRate: 1 }).step();
 * assert.deepEqual(weight.toArray(), [-1, 0.5]);
 * ```
 */
export function clipByValue(most: number): OptimizerPlugin {
  checkPositive("clipByValue", "most", most);
  return {
    name: "clipByValue",
    update: ({ grads: { byteOffset, length } }) => coreKernels.clamp(byteOffset, byteOffset, length, -most, most),
  };
}
