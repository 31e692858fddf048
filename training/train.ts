import { type DType, scope } from "@unfold/core";
import type { Layer } from "@unfold/layers";
import type { Optimizer } from "@unfold/optimizers";
import type { Batch, Batches, Loss } from "./batch.ts";
import { evaluate } from "./evaluate.ts";

/**
 * Options for {@linkcode train}.
 *
 * @typeParam Y The kind of the target's elements.
 */
export interface TrainOptions<Y extends DType = "f32"> {
  /** What is trained. */
  model: Layer;
  /** What takes the steps. */
  optimizer: Optimizer;
  /** What is minimised. */
  loss: Loss<Y>;
  /** The training data, gone through once an epoch. */
  batches: Batches<Y>;
  /** Data to evaluate the model on after each epoch. */
  validation?: Batches<Y>;
  /** How often to go through the data. */
  epochs: number;
}

/** One step of the optimizer has been taken. */
export interface StepEvent {
  /** Which event this is. */
  readonly type: "step";
  /** The epoch; the first is 1. */
  readonly epoch: number;
  /** The optimizer's steps so far. */
  readonly step: number;
  /** The batch's loss before the step; it may be NaN or infinite where the optimizer drops such steps. */
  readonly loss: number;
  /** Samples in the batch. */
  readonly samples: number;
  /** The step's learning rate. */
  readonly learningRate: number;
}

/** One epoch is over. */
export interface EpochEvent {
  /** Which event this is. */
  readonly type: "epoch";
  /** The epoch; the first is 1. */
  readonly epoch: number;
  /** The optimizer's steps so far. */
  readonly step: number;
  /** The mean loss of the epoch's samples, each before the step that it was part of. */
  readonly loss: number;
  /** The mean loss on the validation data, where there is any. */
  readonly validationLoss: number | undefined;
}

/** Training is over. */
export interface DoneEvent extends Omit<EpochEvent, "type"> {
  /** Which event this is. */
  readonly type: "done";
}

/** What {@linkcode train} yields. */
export type TrainEvent = StepEvent | EpochEvent | DoneEvent;

/**
 * Trains a model, and yields an event after each step, after each epoch and at the end. Progress bars, logs, early
 * stopping are consumers of these events; leaving the loop stops the training.
 *
 * @throws {RangeError} If `epochs` is no integer of 1 or more, an epoch has no batch, or the loss or a gradient is no longer finite and the
 * optimizer does not drop such steps; the parameters are then those of the last good step.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import { train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
 * const batches = [{ x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) }];
 * let last = Infinity;
 * for await (const event of train({ model, optimizer, loss: meanSquaredError, batches, epochs: 200 })) {
 *   if (event.type === "epoch") last = event.loss;
 * }
 * assert.ok(last < 1e-3);
 * ```
 */
export async function* train<Y extends DType>(
  options: TrainOptions<Y>,
): AsyncGenerator<TrainEvent, void, undefined> {
  const { model, optimizer, loss, batches, validation, epochs } = options;
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new RangeError(`Cannot train: epochs must be an integer of 1 or more, got ${epochs}`);
  }
  let lastGood: number | undefined;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let total = 0;
    let samples = 0;
    let batchesSeen = 0;
    for await (const batch of batches) {
      const value = takeStep(batch);
      const size = batch.x.shape[0] ?? 1;
      batchesSeen++;
      if (Number.isFinite(value)) {
        total += size * value;
        samples += size;
      }
      const { steps: step, learningRate } = optimizer;
      yield { type: "step", epoch, step, loss: value, samples: size, learningRate };
    }
    if (batchesSeen === 0) {
      throw new RangeError(
        `Cannot train: batches must give at least one batch in every epoch, got none in epoch ${epoch}; a generator gives ` +
          "its batches only once, an array or a Windows again and again",
      );
    }
    const validationLoss = validation === undefined ? undefined : await evaluate(model, { loss, batches: validation });
    // NaN where every step of the epoch was dropped.
    const summary = { epoch, step: optimizer.steps, loss: total / samples, validationLoss };
    yield { type: "epoch", ...summary };
    if (epoch === epochs) yield { type: "done", ...summary };
  }

  /** One step in a scope of its own, which ends before anything is yielded. */
  function takeStep({ x, y }: Batch<Y>): number {
    using _ = scope();
    const error = loss(model.forward(x), y);
    const value = error.item();
    if (!Number.isFinite(value) && !optimizer.skipsNonFinite) throw diverged(`the loss must be finite, got ${value}`);
    error.backward();
    const norm = optimizer.gradientNorm;
    if (!Number.isFinite(norm) && !optimizer.skipsNonFinite) {
      // They would spoil the first step of another attempt.
      for (const parameter of Object.values(model.parameters())) parameter.zeroGrad();
      throw diverged(`the gradients must be finite, got a norm of ${norm} at a loss of ${value}`);
    }
    optimizer.step();
    if (Number.isFinite(value)) lastGood = value;
    return value;
  }

  function diverged(problem: string): RangeError {
    const before = lastGood === undefined ? "the first" : `a loss of ${lastGood} at the step before`;
    return new RangeError(
      `Cannot go on training: ${problem} at step ${optimizer.steps + 1} (${before}); try a lower learning rate than ` +
        `${optimizer.learningRate}, clipByGlobalNorm, or look for bad values in the data`,
    );
  }
}
