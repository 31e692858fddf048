import type { DType, Tensor } from "@unfold/core";
import type { Layer } from "@unfold/layers";

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
  /** Time steps of each sequence; the rest is padding. The model gets them too. */
  readonly lengths?: readonly number[];
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

/** A loss: a scalar computed from a prediction and its target. */
export type Loss<Y extends DType = "f32"> = (prediction: Tensor, target: Tensor<Y>) => Tensor;

/** The loss of a batch. A carried state is reset if new sequences start. */
export function lossOf<Y extends DType>(model: Layer, loss: Loss<Y>, { x, y, lengths, first }: Batch<Y>): Tensor {
  if (first) model.reset?.();
  return loss(model.forward(x, lengths === undefined ? {} : { lengths }), y);
}
