import type { DType, Tensor } from "@unfold/core";
import type { Layer } from "@unfold/layers";

/**
 * Inputs and what should come out.
 *
 * @typeParam Y The kind of the target's elements: integers for classes.
 */
export interface Batch<Y extends DType = "f32"> {
  /** Input; its first axis is the batch. */
  readonly x: Tensor<DType>;
  /** Target. */
  readonly y: Tensor<Y>;
  /** Time steps of each sequence, where the others are padding; they are handed to the model. */
  readonly lengths?: readonly number[];
  /** Whether sequences start anew in this batch, so that a model that carries its state from batch to batch lets it go. */
  readonly first?: boolean;
}

/**
 * Batches that can be gone through once an epoch: an array, a {@linkcode Windows}, anything iterable again and again.
 *
 * Those that are {@linkcode Stateful} go on in the middle of a pass by themselves when a run is resumed; their state says as
 * `position` how many batches of the pass are done, 0 after the last. Of others the first ones are gone through again.
 */
export type Batches<Y extends DType = "f32"> = Iterable<Batch<Y>> | AsyncIterable<Batch<Y>>;

/** A loss: a scalar from prediction and target. */
export type Loss<Y extends DType = "f32"> = (prediction: Tensor, target: Tensor<Y>) => Tensor;

/** The loss of a batch; a model that carries its state lets it go where sequences start. */
export function lossOf<Y extends DType>(model: Layer, loss: Loss<Y>, { x, y, lengths, first }: Batch<Y>): Tensor {
  if (first) model.reset?.();
  return loss(model.forward(x, lengths === undefined ? {} : { lengths }), y);
}
