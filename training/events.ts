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
