import { defineOp, empty, full, type Tensor } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";

const crossEntropy = defineOp(
  "weightedCrossEntropy",
  (logits: Tensor, targets: Tensor<"i32">, weights: readonly number[]) => {
    const [rows, classes] = logits.shape as [number, number];
    const logs = empty(logits.shape);
    coreKernels.logSoftmax(logits.offset, logs.offset, rows, classes);
    const values = logs.data;
    let total = 0;
    targets.data.forEach((target, row) => total -= weights[target]! * values[row * classes + target]!);
    return {
      inputs: [logits],
      output: full([], total / rows),
      backward: (dy: Tensor) => {
        const d = empty(logits.shape);
        coreKernels.exp(logs.offset, d.offset, d.size);
        const data = d.data;
        const slope = dy.item() / rows;
        targets.data.forEach((target, row) => {
          data[row * classes + target]! -= 1;
          for (let i = row * classes; i < (row + 1) * classes; i++) data[i]! *= slope * weights[target]!;
        });
        return [d];
      },
    };
  },
);

/**
 * Softmax cross-entropy in which each class has a weight: L = 1/n · Σ wₜ·(−ln pₜ) with p = softmax(logits);
 * ∂L/∂logits = wₜ·(p − onehot(t))/n. The sum is divided by the number of texts, not by the sum of their weights, so that a
 * mean over batches is that over all texts.
 *
 * @param weights The weight of each class.
 * @returns The loss of logits, [batch, classes], and their classes, [batch].
 */
export function weightedCrossEntropy(
  weights: readonly number[],
): (logits: Tensor, targets: Tensor<"i32">) => Tensor {
  return (logits, targets) => crossEntropy(logits, targets, weights);
}
