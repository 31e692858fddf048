import type { DType } from "@unfold/core";
import type { Batch } from "./batch.ts";

/**
 * Several ranks that train one model, each on a share of every batch: what `dataParallel` of `@unfold/distributed` makes.
 * All of them run the same program with the same batches; each method that returns a promise is a meeting of all.
 */
export interface Parallel {
  /** This rank's number, from 0. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /** Which of so many rows are this rank's: those from one to before another. */
  rows(count: number): [from: number, to: number];
  /**
   * This rank's rows of a batch, in the batch's own memory.
   *
   * @typeParam Whole What a batch is made of.
   * @returns undefined where no row is left for it.
   */
  shard<Whole extends Batch<DType>>(batch: Whole): Whole | undefined;
  /** The sums over all ranks of each of some numbers. */
  sum(numbers: readonly number[]): Promise<number[]>;
  /** Makes the gradients the sums over all ranks; every so often, makes sure before that the weights are still equal. */
  sumGradients(): Promise<void>;
  /**
   * Before a checkpoint, and at the end: makes sure that the weights are still equal, and puts the gradients of a step that is
   * not yet whole together on rank 0, where they are saved; those of the others are then 0.
   */
  settle(): Promise<void>;
  /** Makes weights and the optimizer's state those of rank 0, which alone keeps the gradients of a step that is not yet whole. */
  synchronize(): Promise<void>;
  /** What each rank hands in, in their order. */
  gather(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>[]>;
}
