import type { DType, Tensor } from "@unfold/core";

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
}

/** Batches that can be gone through once an epoch: an array, a {@linkcode Windows}, anything iterable again and again. */
export type Batches<Y extends DType = "f32"> = Iterable<Batch<Y>> | AsyncIterable<Batch<Y>>;

/** A loss: a scalar from prediction and target. */
export type Loss<Y extends DType = "f32"> = (prediction: Tensor, target: Tensor<Y>) => Tensor;
