import { checkRange } from "./_check.ts";
import { kernels } from "./_kernels.ts";
import type { OptimizerPlugin } from "./plugin.ts";

/**
 * Adds the gradient of ½·λ·‖p‖² to the gradients: g ← g + λ·p. Before a rule it is what PyTorch's rules call `weight_decay`.
 *
 * @param weightDecay λ.
 * @throws {RangeError} If λ is negative.
 *
 * @example
 * ```ts
 * import { Parameter } from "@unfold/core";
 * import { addDecayedWeights, Optimizer, sgd } from "@unfold/optimizers";
 * import assert from "node:assert/strict";
 *
 * const weight = new Parameter([2], (data) => data.set([1, -2]));
 * new Optimizer({ weight }, [addDecayedWeights(0.5), sgd()], { learningRate: 0.5 }).step();
 * assert.deepEqual(weight.toArray(), [0.75, -1.5]);
 * ```
 */
export function addDecayedWeights(weightDecay: number): OptimizerPlugin {
  checkRange("addDecayedWeights", "weightDecay", weightDecay, 0, Infinity);
  return {
    name: "addDecayedWeights",
    // A step of gradient descent of the gradients against the parameters.
    update: ({ params, grads }) => kernels.sgd(grads.byteOffset, params.byteOffset, params.length, -weightDecay),
  };
}
