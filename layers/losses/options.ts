import { defineOp, empty, formatShape, full, type Shape, sizeOf, type Tensor } from "@unfold/core";
import { checkLengths } from "../_check.ts";

/** Options of every loss: which targets count, and how much. */
export interface LossOptions {
  /**
   * A weight of 0 or more for each sample [batch], each time step [batch, time] or each target (the shape of the target): the loss is
   * Σ w·l/Σ w. A target of weight 0 does not count, so it may hold anything, including NaN.
   *
   * @default {every target has weight 1}
   */
  weights?: Tensor | undefined;
  /**
   * Time steps of each sequence, for targets [batch, time, …]: the targets after them are padding and do not count.
   *
   * @default {every sequence has all time steps}
   */
  lengths?: readonly number[] | undefined;
}

/**
 * The weight of each target, or undefined if all are 1.
 *
 * @param doing What the caller is doing, as it follows "Cannot" in messages.
 * @param shape The shape of the targets.
 */
export function weightsOf(
  doing: string,
  shape: Shape,
  { weights, lengths }: LossOptions,
): Float32Array<ArrayBuffer> | undefined {
  if (weights === undefined && lengths === undefined) return undefined;
  const each = weights === undefined ? new Float32Array(sizeOf(shape)).fill(1) : spread(doing, shape, weights);
  if (lengths === undefined) return each;
  const [batch, time] = shape;
  if (batch === undefined || time === undefined) {
    throw new TypeError(
      `Cannot ${doing}: targets must have shape [batch, time, …] for lengths, got ${formatShape(shape)}`,
    );
  }
  checkLengths(doing, lengths, { batch, time, least: 0 });
  if (weights === undefined && lengths.every((length) => length === time)) return undefined;
  const step = each.length / (batch * time);
  lengths.forEach((length, row) => each.fill(0, (row * time + length) * step, (row + 1) * time * step));
  return each;
}

/** Repeats the weight of a sample or time step for each of its targets. */
function spread(doing: string, shape: Shape, weights: Tensor): Float32Array<ArrayBuffer> {
  if (weights.dtype !== "f32") {
    throw new TypeError(`Cannot ${doing}: weights must hold floats (f32), got ${weights.dtype}`);
  }
  const axes = weights.shape.length;
  if (axes === 0 || formatShape(weights.shape) !== formatShape(shape.slice(0, axes))) {
    const allowed = shape.map((_, i) => formatShape(shape.slice(0, i + 1))).join(" or ");
    throw new TypeError(
      `Cannot ${doing}: weights must have shape ${allowed}, got ${formatShape(weights.shape)}`,
    );
  }
  const { data } = weights;
  const at = data.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (at >= 0) {
    throw new RangeError(`Cannot ${doing}: weights must be finite and at least 0, got ${data[at]} at position ${at}`);
  }
  if (axes === shape.length) return data.slice();
  const step = sizeOf(shape.slice(axes));
  const each = new Float32Array(sizeOf(shape));
  data.forEach((weight, i) => each.fill(weight, i * step, (i + 1) * step));
  return each;
}

/** A loss with its count: the number of targets, or the sum of their weights. */
export function counted(loss: Tensor, count: number): Tensor {
  loss.count = count;
  return loss;
}

/** The sum of the weights. */
export function sumOf(weights: Float32Array): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  return total;
}

/** The loss of one target, and its slopes, in 64-bit floats. */
export interface ElementLoss {
  /** The loss. */
  value(p: number, t: number, column: number): number;
  /** ∂loss/∂p. */
  slope(p: number, t: number, column: number): number;
  /** ∂loss/∂t. */
  targetSlope(p: number, t: number, column: number): number;
}

/** Σ w·l/Σ w over targets with a weight above 0; 0 if there are none. The column is the position on the last axis. */
const weighted = defineOp(
  "weighted loss",
  (prediction: Tensor, target: Tensor, weights: Float32Array, { value, slope, targetSlope }: ElementLoss) => {
    const columns = target.shape.at(-1) ?? 1;
    const count = sumOf(weights);
    const [p, t] = [prediction.data, target.data];
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      if (weights[i]! > 0) total += weights[i]! * value(p[i]!, t[i]!, i % columns);
    }
    const gradient = (dy: Tensor, of: ElementLoss["slope"]): Tensor => {
      const factor = count === 0 ? 0 : dy.item() / count;
      const d = empty(target.shape);
      const [p, t, data] = [prediction.data, target.data, d.data];
      for (let i = 0; i < data.length; i++) {
        data[i] = weights[i]! > 0 ? factor * weights[i]! * of(p[i]!, t[i]!, i % columns) : 0;
      }
      return d;
    };
    return {
      inputs: [prediction, target],
      output: full([], count === 0 ? 0 : total / count),
      backward: (dy) => [
        prediction.requiresGrad ? gradient(dy, slope) : undefined,
        target.requiresGrad ? gradient(dy, targetSlope) : undefined,
      ],
    };
  },
);

/** The weighted mean of a loss of single targets, with its count. */
export function weightedLoss(
  prediction: Tensor,
  target: Tensor,
  weights: Float32Array<ArrayBuffer>,
  loss: ElementLoss,
): Tensor {
  return counted(weighted(prediction, target, weights, loss), sumOf(weights));
}

/** The weights if a loss must go by them; undefined if it is the mean over all of at least one target. */
export function weightsIfAny(
  doing: string,
  shape: Shape,
  options: LossOptions | undefined,
): Float32Array<ArrayBuffer> | undefined {
  const weights = options === undefined ? undefined : weightsOf(doing, shape, options);
  return weights ?? (sizeOf(shape) === 0 ? new Float32Array(0) : undefined);
}
