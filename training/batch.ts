import type { Tensor } from "@unfold/core";

/** Inputs and what should come out. */
export interface Batch {
  /** Input; its first axis is the batch. */
  readonly x: Tensor;
  /** Target. */
  readonly y: Tensor;
}

/** Batches that can be gone through once an epoch: an array, a {@linkcode Windows}, anything iterable again and again. */
export type Batches = Iterable<Batch> | AsyncIterable<Batch>;

/** A loss: a scalar from prediction and target. */
export type Loss = (prediction: Tensor, target: Tensor) => Tensor;
