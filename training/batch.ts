import { type DType, formatShape, Tensor } from "@unfold/core";
import type { Layer, LossOptions } from "@unfold/layers";

/**
 * Inputs and their targets.
 *
 * @typeParam Y The dtype of the targets: `i32` for classes.
 */
export interface Batch<Y extends DType = "f32"> {
  /** Inputs; the first axis is the batch. */
  readonly x: Tensor<DType>;
  /** Targets. */
  readonly y: Tensor<Y>;
  /**
   * How much each target counts, 0 or more: one weight per sample, [batch], per time step, [batch, time], or per target. The loss
   * gets them.
   */
  readonly weights?: Tensor;
  /**
   * Time steps of each sequence; the rest is padding. The model gets them, and so does the loss if `y` has a target per time
   * step.
   */
  readonly lengths?: readonly number[];
  /**
   * Whether `y` has a target per time step or per sequence, for batches with `lengths`.
   *
   * @default {per step if the second axes of `x` and `y` have the same length}
   */
  readonly targetsPer?: "step" | "sequence";
  /** Whether new sequences start in this batch, so that a model resets the state it carries from batch to batch. */
  readonly first?: boolean;
}

/**
 * Batches to iterate over once per epoch: an array, a {@linkcode Windows}, anything that can be iterated repeatedly.
 *
 * When a run resumes, {@linkcode Stateful} batches continue in the middle of a pass: `position` in their state is the number of
 * batches done, 0 after the last one. Other batches are iterated from the start, and those already done are skipped.
 */
export type Batches<Y extends DType = "f32"> = Iterable<Batch<Y>> | AsyncIterable<Batch<Y>>;

/**
 * A loss: a scalar computed from a prediction and its target, the mean over the targets that count.
 *
 * Its `count` is the number of these targets, or the sum of their weights; training weighs batches by it. The losses of
 * `@unfold/layers` set it. Without it the sum of the batch's weights or, without weights, the number of all targets is used. So a
 * loss that is computed from another one passes the count on: `total.count = part.count`.
 */
export type Loss<Y extends DType = "f32"> = (
  prediction: Tensor,
  target: Tensor<Y>,
  options?: LossOptions,
) => Tensor;

/** The loss of a batch, and how much it counts. */
export interface CountedLoss {
  /** A scalar. */
  readonly loss: Tensor;
  /** The number of targets that counted, or the sum of their weights. If it is 0, the loss has no meaning. */
  readonly counted: number;
}

/**
 * The loss of a batch. A carried state is reset if new sequences start.
 *
 * @param doing What the caller does, for messages.
 */
export function lossOf<Y extends DType>(doing: string, model: Layer, loss: Loss<Y>, batch: Batch<Y>): CountedLoss {
  const { x, y, weights, lengths, first } = batch;
  if (first) model.reset?.();
  const prediction = model.forward(x, lengths === undefined ? {} : { lengths });
  const stepLengths = lengths && lengthsOfTargets(doing, batch, lengths);
  const error = weights === undefined && stepLengths === undefined
    ? loss(prediction, y)
    : lossWith(doing, { ...(weights && { weights }), ...(stepLengths && { lengths: stepLengths }) }, batch, (options) =>
      loss(prediction, y, options));
  checkLoss(doing, error);
  const counted = error.count ?? weights?.data.reduce((a, b) => a + b, 0) ?? y.size;
  if (counted >= 0 && counted < Infinity) return { loss: error, counted };
  throw new RangeError(`Cannot ${doing}: the count of a loss must be a finite number of 0 or more, got ${counted}`);
}

/** The lengths of the sequences if there is a target per time step. */
function lengthsOfTargets(
  doing: string,
  { x, y, targetsPer }: Batch<DType>,
  lengths: readonly number[],
): readonly number[] | undefined {
  if (targetsPer !== undefined) return targetsPer === "step" ? lengths : undefined;
  const time = x.shape[1]!;
  if (y.shape.length < 2 || y.shape[1] !== time) return undefined;
  // [batch, outputs] of sequences that happen to have as many steps looks the same as [batch, time].
  if (y.dtype === "i32" || y.shape.length > 2 || lengths.every((length) => length === time)) return lengths;
  const shape = formatShape(y.shape);
  throw new TypeError(
    `Cannot ${doing}: a batch with lengths and y of shape ${shape} must have targetsPer, "step" or "sequence", ` +
      `since its sequences have ${time} steps too, got none`,
  );
}

/** Calls a loss, which must read the options that change its value. */
function lossWith(
  doing: string,
  options: LossOptions,
  { x }: Batch<DType>,
  call: (options: LossOptions) => Tensor,
): Tensor {
  const unread = new Set<string>();
  const tracked: LossOptions = {};
  for (const [name, value] of Object.entries(options)) {
    if (name === "weights" || options.lengths!.some((length) => length < x.shape[1]!)) unread.add(name);
    const get = () => {
      unread.delete(name);
      return value;
    };
    Object.defineProperty(tracked, name, { get, enumerable: true });
  }
  const error = call(tracked);
  for (const name of unread) {
    throw new TypeError(
      `Cannot ${doing}: the loss must use the ${name} of the batch, which are in its third argument, got one that does not ` +
        "read them; write (prediction, target, options) => loss(prediction, target, { ...options, … })",
    );
  }
  return error;
}

function checkLoss(doing: string, error: unknown): asserts error is Tensor {
  if (error instanceof Tensor && error.size === 1) return;
  let got = `${error}`;
  if (error instanceof Tensor) got = `shape ${formatShape(error.shape)}; take its mean`;
  else if (typeof Object(error).then === "function") got = "a promise; it must not be async";
  throw new TypeError(`Cannot ${doing}: the loss must be a tensor with one element, got ${got}`);
}

/** Throws a `TypeError` unless a value can be iterated over. */
export function checkBatches(doing: string, name: string, batches: unknown): void {
  const object = Object(batches);
  if (Symbol.iterator in object || Symbol.asyncIterator in object) return;
  const got = "x" in object ? "a single batch; put it into an array" : String(batches);
  throw new TypeError(`Cannot ${doing}: ${name} must be an array or another iterable of batches, got ${got}`);
}

/** Throws a `TypeError` unless a value is a batch. */
export function checkBatch(doing: string, batch: Batch<DType>): void {
  if (batch?.x instanceof Tensor && batch.y instanceof Tensor) return;
  let got = "another value";
  if (Array.isArray(batch)) got = "an array; write { x, y } instead of [x, y]";
  else if ((batch as unknown) instanceof Tensor) got = "a tensor; write [{ x, y }] for a single batch";
  else if (batch === undefined || batch === null) got = `${batch}`;
  else if (typeof batch === "object") got = `an object with ${Object.keys(batch).join(", ") || "nothing in it"}`;
  throw new TypeError(`Cannot ${doing}: a batch must be an object { x, y } of tensors, got ${got}`);
}

/** Where a batch has its first value that is not finite, if any. */
export function findBadValue({ x, y, weights }: Batch<DType>): string | undefined {
  for (const [name, tensor] of Object.entries({ x, y, weights })) {
    if (tensor?.dtype !== "f32") continue;
    const { data, shape } = tensor;
    let at = data.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const value = data[at];
    const position = shape.toReversed().map((length) => {
      const index = at % length;
      at = Math.floor(at / length);
      return index;
    });
    return `${name} of the batch must hold finite values, got ${value} at ${formatShape(position.reverse())}`;
  }
  return undefined;
}
