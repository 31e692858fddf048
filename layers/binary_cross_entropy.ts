import {
  abs,
  add,
  defineOp,
  mean,
  multiply,
  negate,
  relu,
  scale,
  sigmoid,
  softplus,
  subtract,
  type Tensor,
} from "@unfold/core";
import { checkSameShape } from "./_check.ts";

const crossEntropy = defineOp("binaryCrossEntropy", (prediction: Tensor, target: Tensor) => {
  const tail = softplus(negate(abs(prediction)));
  return {
    inputs: [prediction, target],
    output: mean(add(subtract(relu(prediction), multiply(prediction, target)), tail)),
    backward: (dy) => {
      const slope = dy.item() / prediction.size;
      return [
        scale(subtract(sigmoid(prediction), target), slope),
        target.requiresGrad ? scale(prediction, -slope) : undefined,
      ];
    },
  };
});

/**
 * Binary cross-entropy from logits over all n elements: the mean of ln(1 + eᵖ) − p·t, computed as
 * max(p, 0) − p·t + ln(1 + e^−|p|), ∂L/∂p = (σ(p) − t)/n. It neither
 * overflows nor loses digits for large logits.
 *
 * @param prediction p.
 * @param target t, of the same shape.
 * @returns A scalar.
 * @throws {TypeError} If the shapes differ.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { binaryCrossEntropy } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * assert.equal(binaryCrossEntropy(tensor([1e4, -1e4]), tensor([1, 0])).item(), 0);
 * ```
 */
export function binaryCrossEntropy(prediction: Tensor, target: Tensor): Tensor {
  checkSameShape("compute the binary cross-entropy", ["prediction", prediction], ["target", target]);
  return crossEntropy(prediction, target);
}
