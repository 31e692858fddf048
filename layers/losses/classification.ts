import {
  abs,
  add,
  defineOp,
  type DType,
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
  zeros,
} from "@unfold/core";
import { coreKernels, overElements, overRows } from "@unfold/core/kernels";
import { checkSameShape } from "../_check.ts";
import {
  counted,
  type ElementLoss,
  type LossOptions,
  sumOf,
  weightedLoss,
  weightsIfAny,
  weightsOf,
} from "./options.ts";

/** Options for {@linkcode softmaxCrossEntropy}. */
export interface SoftmaxCrossEntropyOptions extends LossOptions {
  /**
   * A class to ignore, such as padding.
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
  /**
   * A weight for each class, such as one that is inversely proportional to its frequency.
   *
   * @default {all 1}
   */
  classWeights?: readonly number[];
}

/** The positions of the targets in the flat logits; −1 for a target that does not count. */
function positionsOf(
  logits: Tensor,
  targets: Tensor<"i32">,
  { ignoreIndex, weights }: { ignoreIndex: number | undefined; weights: Float32Array | undefined },
): Int32Array {
  const classes = logits.shape.at(-1) ?? 0;
  return targets.data.map((target, row) => {
    if (target === ignoreIndex || weights?.[row] === 0) return -1;
    if (target < 0 || target >= classes) {
      const allowed = `classes from 0 to ${classes - 1}`;
      throw new RangeError(
        `Cannot ${CROSS_ENTROPY}: targets must be ${allowed}, got ${target} at position ${row}`,
      );
    }
    return row * classes + target;
  });
}

const crossEntropy = defineOp(
  "softmaxCrossEntropy",
  (logits: Tensor, positions: Int32Array, count: number, labelSmoothing: number) => {
    const classes = logits.shape.at(-1)!;
    const logs = empty(logits.shape);
    overRows(positions.length, classes, (row, rows) => {
      const at = 4 * row * classes;
      coreKernels.logSoftmax(logits.offset + at, logs.offset + at, rows, classes);
    });
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
      output: full([], count === 0 ? 0 : total / count),
      backward: (dy) => {
        // (softmax − smoothed target)/count, in three passes: probabilities, the even share, the targets.
        const d = empty(logits.shape);
        const slope = count === 0 ? 0 : dy.item() / count;
        overElements(d.size, (at, n) => {
          coreKernels.exp(logs.offset + at, d.offset + at, n);
          coreKernels.affine(d.offset + at, d.offset + at, n, slope, -slope * labelSmoothing / classes);
        });
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

/** What the rows of the logits are compared with. */
interface Rows {
  /** The weight of each row; a row of weight 0 does not count. */
  readonly weights: Float32Array;
  /** What the sum is divided by. */
  readonly count: number;
  /** The weight of each class. */
  readonly classWeights: readonly number[] | undefined;
  readonly labelSmoothing: number;
}

/** −Σₙ wₙ·Σ_c v_c·q_nc·ln p_nc/count, with the weights v of the classes and the smoothed targets q. */
const weightedCrossEntropy = defineOp(
  "softmaxCrossEntropy",
  (logits: Tensor, targets: Tensor<DType>, { weights, count, classWeights, labelSmoothing }: Rows) => {
    const classes = logits.shape.at(-1)!;
    const logs = empty(logits.shape);
    coreKernels.logSoftmax(logits.offset, logs.offset, weights.length, classes);
    const isSoft = targets.dtype === "f32";
    /** Calls f with each row that counts: the position of its first logit, and its targets times the weights of the classes. */
    const visit = (f: (row: number, start: number, wanted: Float64Array) => void) => {
      const wanted = new Float64Array(classes);
      const given = targets.data;
      for (let row = 0; row < weights.length; row++) {
        if (!(weights[row]! > 0)) continue;
        const start = row * classes;
        for (let j = 0; j < classes; j++) {
          const share = isSoft ? given[start + j]! : Number(given[row] === j);
          wanted[j] = (classWeights?.[j] ?? 1) * ((1 - labelSmoothing) * share + labelSmoothing / classes);
        }
        f(row, start, wanted);
      }
    };
    let total = 0;
    const values = logs.data;
    visit((row, start, wanted) => {
      // A class that is not wanted may be impossible.
      for (let j = 0; j < classes; j++) if (wanted[j] !== 0) total -= weights[row]! * wanted[j]! * values[start + j]!;
    });
    return {
      inputs: isSoft ? [logits, targets as Tensor] : [logits],
      output: full([], count === 0 ? 0 : total / count),
      backward: (dy) => {
        const d = zeros(logits.shape);
        const dTargets = isSoft && (targets as Tensor).requiresGrad ? zeros(logits.shape) : undefined;
        const factor = count === 0 ? 0 : dy.item() / count;
        const [values, data, targetData] = [logs.data, d.data, dTargets?.data];
        visit((row, start, wanted) => {
          const sum = wanted.reduce((a, b) => a + b, 0);
          const scale = factor * weights[row]!;
          for (let j = 0; j < classes; j++) {
            data[start + j] = scale * (Math.exp(values[start + j]!) * sum - wanted[j]!);
            if (targetData === undefined) continue;
            targetData[start + j] = -scale * (classWeights?.[j] ?? 1) * (1 - labelSmoothing) * values[start + j]!;
          }
        });
        return isSoft ? [d, dTargets] : [d];
      },
    };
  },
);

const CROSS_ENTROPY = "compute the cross-entropy";

/**
 * Softmax cross-entropy from logits, in nats: L is the mean of −ln pₜ over the n targets t that count, with p = softmax(logits);
 * ∂L/∂logits = (p − onehot(t))/n. The options are PyTorch's:
 *
 * - `labelSmoothing` ε: the target distribution is q = (1 − ε)·onehot(t) + ε/classes, and the loss of a target −Σ_c q_c·ln p_c.
 * - `classWeights` v: the loss of a target is −Σ_c v_c·q_c·ln p_c, and L = Σ l/Σ vₜ.
 * - targets that are distributions, [..., classes], instead of classes: q = (1 − ε)·t + ε/classes. L is then divided by the number
 *   of targets, also with class weights.
 *
 * @param logits [..., classes].
 * @param targets Classes, integers [...], or distributions, floats [..., classes].
 * @param options Ignored class, label smoothing, class weights, weights of the targets, and lengths of padded sequences.
 * @returns A scalar, and in `count` the number of targets that count or the sum of their weights. 0 if no target counts.
 * @throws {TypeError} If the shapes do not match, or weights, lengths or class weights do not fit the targets.
 * @throws {RangeError} If a target is not a class, ε is not in [0, 1], or a weight is not a finite number of 0 or more.
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
  targets: Tensor<"i32"> | Tensor,
  options?: SoftmaxCrossEntropyOptions,
): Tensor {
  const { ignoreIndex, labelSmoothing = 0, classWeights } = options ?? {};
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new RangeError(`Cannot ${CROSS_ENTROPY}: labelSmoothing must be from 0 to 1, got ${labelSmoothing}`);
  }
  checkTargets(logits, targets, ignoreIndex);
  const classes = logits.shape.at(-1)!;
  checkClassWeights(CROSS_ENTROPY, "classWeights", classWeights, classes);
  const weights = weightsOf(CROSS_ENTROPY, logits.shape.slice(0, -1), options ?? {});
  if (targets.dtype === "f32") {
    const rows = weights ?? new Float32Array(logits.size / classes).fill(1);
    const count = sumOf(rows);
    return counted(
      weightedCrossEntropy(logits, targets, { weights: rows, count, classWeights, labelSmoothing }),
      count,
    );
  }
  const positions = positionsOf(logits, targets as Tensor<"i32">, { ignoreIndex, weights });
  if (weights === undefined && classWeights === undefined) {
    const count = positions.reduce((total, position) => total + (position >= 0 ? 1 : 0), 0);
    return counted(crossEntropy(logits, positions, count, labelSmoothing), count);
  }
  const rows = Float32Array.from(positions, (position, row) => position < 0 ? 0 : weights?.[row] ?? 1);
  let count = 0;
  positions.forEach((position, row) => {
    if (position >= 0) count += rows[row]! * (classWeights?.[position % classes] ?? 1);
  });
  return counted(weightedCrossEntropy(logits, targets, { weights: rows, count, classWeights, labelSmoothing }), count);
}

function checkTargets(logits: Tensor, targets: Tensor<DType>, ignoreIndex: number | undefined): void {
  const rest = logits.shape.slice(0, -1);
  const wanted = targets.dtype === "f32" ? logits.shape : rest;
  if (logits.shape.length === 0 || formatShape(targets.shape) !== formatShape(wanted)) {
    throw new TypeError(
      `Cannot ${CROSS_ENTROPY}: targets must be integers with the shape of the logits without the last axis, or ` +
        `distributions with the shape of the logits, got ${targets.dtype} ${formatShape(targets.shape)} for ` +
        formatShape(logits.shape),
    );
  }
  if (targets.dtype === "f32" && ignoreIndex !== undefined) {
    throw new TypeError(
      `Cannot ${CROSS_ENTROPY}: targets must be classes for ignoreIndex, got distributions; give the ones to ignore weight 0`,
    );
  }
}

/** Checks that there is a finite weight of 0 or more for each class. */
function checkClassWeights(doing: string, name: string, weights: readonly number[] | undefined, classes: number): void {
  if (weights === undefined) return;
  if (weights.length !== classes) {
    throw new TypeError(`Cannot ${doing}: ${name} must be one for each of ${classes} classes, got ${weights.length}`);
  }
  const bad = weights.find((weight) => !(weight >= 0 && weight < Infinity));
  if (bad !== undefined) {
    throw new RangeError(`Cannot ${doing}: ${name} must be finite and at least 0, got ${bad}`);
  }
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

/** Options for {@linkcode binaryCrossEntropy}. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /**
   * The weight w of the positive targets, above 1 if they are rare; one for each column of the last axis if it is an array. PyTorch
   * calls it `pos_weight`.
   *
   * @default {1}
   */
  positiveWeight?: number | readonly number[];
}

/**
 * Binary cross-entropy from logits over all n elements: L is the mean of ln(1 + eᵖ) − p·t, ∂L/∂p = (σ(p) − t)/n. It is
 * computed as max(p, 0) − p·t + ln(1 + e^−|p|), which neither overflows nor loses precision for large logits.
 *
 * With a `positiveWeight` w it is the mean of −w·t·ln σ(p) − (1 − t)·ln(1 − σ(p)), as in PyTorch.
 *
 * @param prediction p, logits.
 * @param target t, probabilities of the same shape.
 * @param options Weight of the positive targets, weights of the targets, and lengths of padded sequences.
 * @returns A scalar, and in `count` the number of targets or the sum of their weights. 0 if no target counts.
 * @throws {TypeError} If the shapes differ, or weights or lengths do not fit the targets.
 * @throws {RangeError} If a weight is not a finite number of 0 or more.
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
export function binaryCrossEntropy(prediction: Tensor, target: Tensor, options?: BinaryCrossEntropyOptions): Tensor {
  const doing = "compute the binary cross-entropy";
  checkSameShape(doing, ["prediction", prediction], ["target", target]);
  const positive = options?.positiveWeight;
  const weights = weightsIfAny(doing, target.shape, options);
  if (positive === undefined && weights === undefined) return counted(binaryLoss(prediction, target), target.size);
  const columns = target.shape.at(-1) ?? 1;
  const each = typeof positive === "object" ? positive : new Array<number>(columns).fill(positive ?? 1);
  checkClassWeights(doing, "positiveWeight", each, columns);
  return weightedLoss(prediction, target, weights ?? new Float32Array(target.size).fill(1), binaryOf(each));
}

/** The terms of {@linkcode binaryCrossEntropy}, with the weight of the positive targets of each column. */
function binaryOf(positive: readonly number[]): ElementLoss {
  const sigmoid = (p: number) => p >= 0 ? 1 / (1 + Math.exp(-p)) : Math.exp(p) / (1 + Math.exp(p));
  /** ln(1 + eᵖ). */
  const softplus = (p: number) => Math.max(p, 0) + Math.log1p(Math.exp(-Math.abs(p)));
  return {
    value: (p, t, column) => positive[column]! * t * softplus(-p) + (1 - t) * softplus(p),
    slope: (p, t, column) => (1 - t) * sigmoid(p) - positive[column]! * t * sigmoid(-p),
    targetSlope: (p, _, column) => positive[column]! * softplus(-p) - softplus(p),
  };
}
