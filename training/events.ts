import type { DType } from "@unfold/core";
import type { Layer } from "@unfold/layers";
import type { Optimizer } from "@unfold/optimizers";
import type { Batches, Loss } from "./batch.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { Parallel } from "./parallel.ts";

/**
 * Options for `train`.
 *
 * @typeParam Y The dtype of the targets.
 */
export interface TrainOptions<Y extends DType = "f32"> {
  /** The model to train. */
  model: Layer;
  /** Updates the model's parameters. */
  optimizer: Optimizer;
  /** The loss to minimise. */
  loss: Loss<Y>;
  /** The training data. One pass over it is an epoch. */
  batches: Batches<Y>;
  /** Data to evaluate the model on after each epoch. */
  validation?: Batches<Y>;
  /** Passes over the training data. */
  epochs: number;
  /**
   * Where to write checkpoints: after each epoch, when the run is stopped, and every `everySteps` steps if set.
   *
   * @default {none}
   */
  checkpoints?: Checkpoints;
  /**
   * Whether to resume from the last checkpoint, if any, or the path of the checkpoint to resume from. Without it a folder that
   * holds checkpoints is an error.
   *
   * @default {false}
   */
  resume?: boolean | string;
  /**
   * Stops the run after the current step when aborted: `stopOnSignals().signal`.
   *
   * @default {none}
   */
  signal?: AbortSignal;
  /**
   * Ranks that share every batch: `dataParallel()` of `@unfold/distributed`. All ranks run over the same batches and get the
   * same events. Rank 0 alone reads and writes checkpoints. A signal on one rank stops all.
   *
   * @default {none: one process}
   */
  parallel?: Parallel;
}

/** A batch was processed: one optimizer step, or part of one if the optimizer accumulates gradients. */
export interface StepEvent {
  /** The event's type. */
  readonly type: "step";
  /** The epoch, from 1. */
  readonly epoch: number;
  /** Optimizer steps so far. */
  readonly step: number;
  /** The batch's loss before the step. It can be NaN or infinite if the optimizer skips such steps. */
  readonly loss: number;
  /** Samples in the batch. */
  readonly samples: number;
  /** Targets in the batch: one per sample, or one per token. */
  readonly targets: number;
  /** The step's learning rate. */
  readonly learningRate: number;
}

/** The model was evaluated on the validation data. */
export interface ValidationEvent {
  /** The event's type. */
  readonly type: "validation";
  /** The epoch, from 1. */
  readonly epoch: number;
  /** Optimizer steps so far. */
  readonly step: number;
  /** The mean loss on the validation data. */
  readonly loss: number;
}

/** An epoch ended. */
export interface EpochEvent {
  /** The event's type. */
  readonly type: "epoch";
  /** The epoch, from 1. */
  readonly epoch: number;
  /** Optimizer steps so far. */
  readonly step: number;
  /** The mean loss over the epoch's targets, each measured before its step. */
  readonly loss: number;
  /** The mean loss on the validation data, if any. */
  readonly validationLoss: number | undefined;
}

/** A checkpoint was written. */
export interface CheckpointEvent {
  /** The event's type. */
  readonly type: "checkpoint";
  /** The epoch, from 1. */
  readonly epoch: number;
  /** Optimizer steps so far. */
  readonly step: number;
  /** The mean loss over the epoch's targets so far. */
  readonly loss: number;
  /** The checkpoint's path. */
  readonly path: string;
}

/** Training ended. */
export interface DoneEvent {
  /** The event's type. */
  readonly type: "done";
  /** The last epoch, from 1. */
  readonly epoch: number;
  /** Optimizer steps so far. */
  readonly step: number;
  /** The mean loss over the last epoch's targets. */
  readonly loss: number;
  /** Whether all epochs ran; false if the run was stopped. */
  readonly finished: boolean;
}

/** What `train()` yields. */
export type TrainEvent = StepEvent | ValidationEvent | EpochEvent | CheckpointEvent | DoneEvent;
