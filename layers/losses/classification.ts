import {
  abs,
  add,
  defineOp,
  empty,
  formatShape,
  full,
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
import { coreKernels } from "@unfold/core/kernels";
import { checkSameShape } from "../_check.ts";

/** Options for {@linkcode softmaxCrossEntropy}. */
export interface SoftmaxCrossEntropyOptions {
  /**
   * A target to ignore, such as padding.
   *
   * @default {none}
   */
  ignoreIndex?: number;
  /**
   * ε, the share of the target's probability that is spread evenly over all classes (Szegedy et al., 2016).
   *
   * @default {0}
   */
  labelSmoothing?: number;
}

/** The positions of the targets in the flat logits; −1 for an ignored target. */
function positionsOf(logits: Tensor, targets: Tensor<"i32">, ignoreIndex: number | undefined): Int32Array {
  const classes = logits.shape.at(-1) ?? 0;
  return targets.data.map((target, row) => {
    if (target === ignoreIndex) return -1;
    if (target < 0 || target >= classes) {
      const allowed = `classes from 0 to ${classes - 1}`;
      throw new RangeError(
        `Cannot compute the cross-entropy: targets must be ${allowed}, got ${target} at position ${row}`,
      );
    }
    return row * classes + target;
  });
}

const crossEntropy = defineOp(
  "softmaxCrossEntropy",
  (logits: Tensor, targets: Tensor<"i32">, { ignoreIndex, labelSmoothing = 0 }: SoftmaxCrossEntropyOptions) => {
    const classes = logits.shape.at(-1)!;
    const rows = targets.size;
    const positions = positionsOf(logits, targets, ignoreIndex);
    const counted = positions.reduce((total, position) => total + (position >= 0 ? 1 : 0), 0);
    const logs = empty(logits.shape);
    coreKernels.logSoftmax(logits.offset, logs.offset, rows, classes);
    const values = logs.data;
    let total = 0;
    positions.forEach((position, row) => {
      if (position < 0) return;
      total -= (1 - labelSmoothing) * values[position]!;
      if (labelSmoothing > 0) {
        total -= labelSmoothing / classes * coreKernels.sum(logs.offset + 4 * row * classes, classes);
      }
    });
    return {
      inputs: [logits],
      output: full([], total / counted),
      backward: (dy) => {
        // (softmax − smoothed target)/counted, in three passes: probabilities, the even share, the targets.
        const d = empty(logits.shape);
        const slope = dy.item() / counted;
        coreKernels.exp(logs.offset, d.offset, d.size);
        coreKernels.affine(d.offset, d.offset, d.size, slope, -slope * labelSmoothing / classes);
        const data = d.data;
        positions.forEach((position, row) => {
          if (position < 0) data.fill(0, row * classes, (row + 1) * classes);
          else data[position]! -= slope * (1 - labelSmoothing);
        });
        return [d];
      },
    };
  },
);

/**
 * Softmax cross-entropy from logits, in nats: L is the mean of −ln pₜ over the n targets t that are not ignored, with
 * p = softmax(logits); ∂L/∂logits = (p − onehot(t))/n. With label smoothing the target is (1 − ε)·onehot(t) + ε/classes.
 *
 * @param logits [..., classes].
 * @param targets Classes, [...].
 * @returns A scalar; NaN if all targets are ignored, as in PyTorch.
 * @throws {TypeError} If the targets are not integers, or the shapes do not match.
 * @throws {RangeError} If a target is not a class, or ε is not in [0, 1].
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { softmaxCrossEntropy } from "@unfold/layers";
 * import assert from "node:assert/strict";
 *
 * const logits = tensor([[1e4, 0], [5, 5]]);
 * const loss = softmaxCrossEntropy(logits, tensor([0, 1], { dtype: "i32" })).item();
 * assert.ok(Math.abs(loss - Math.log(2) / 2) < 1e-6);
 * ```
 */
export function softmaxCrossEntropy(
  logits: Tensor,
  targets: Tensor<"i32">,
  options: SoftmaxCrossEntropyOptions = {},
): Tensor {
  const { labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new RangeError(`Cannot compute the cross-entropy: labelSmoothing must be from 0 to 1, got ${labelSmoothing}`);
  }
  if (
    targets.dtype !== "i32" || logits.shape.slice(0, -1).join() !== targets.shape.join() || logits.shape.length === 0
  ) {
    throw new TypeError(
      "Cannot compute the cross-entropy: targets must be integers with the shape of the logits without the last axis, " +
        `got ${targets.dtype} ${formatShape(targets.shape)} for ${formatShape(logits.shape)}`,
    );
  }
  return crossEntropy(logits, targets, options);
}

const binaryLoss = defineOp("binaryCrossEntropy", (prediction: Tensor, target: Tensor) => {
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
 * Binary cross-entropy from logits over all n elements: L is the mean of ln(1 + eᵖ) − p·t, ∂L/∂p = (σ(p) − t)/n. It is
 * computed as max(p, 0) − p·t + ln(1 + e^−|p|), which neither overflows nor loses precision for large logits.
 *
 * @param prediction p, logits.
 * @param target t, probabilities of the same shape.
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
  return binaryLoss(prediction, target);
}
