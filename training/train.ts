import type { DType } from "@unfold/core";
import { meanLoss, nextEpoch, Run } from "./_run.ts";
import type { TrainEvent, TrainOptions } from "./events.ts";

/**
 * Trains a model, and yields an event after each step and each epoch and at the end. Progress bars, logs and early stopping
 * consume these events. Leaving the loop stops the training.
 *
 * @throws {RangeError} If `epochs` is not a positive integer, an epoch has no batches, or the loss or a gradient is not finite and
 * the optimizer does not skip such steps. The parameters are then those of the last good step.
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
  const { optimizer, epochs, checkpoints } = options;
  const run = new Run(options);
  await run.startOrResume();
  for (; run.progress.epoch <= epochs; run.progress = nextEpoch(run.progress)) {
    for await (const batch of run.batchesLeft()) {
      const stepsBefore = optimizer.steps;
      const event = await run.takeStep(batch);
      yield event;
      await run.breathe();
      if (run.isStopped) {
        if (checkpoints !== undefined) yield await run.saveCheckpoint();
        yield await run.finish(run.progress.epoch, false);
        return;
      }
      if (run.isCheckpointDue(stepsBefore, event.step)) yield await run.saveCheckpoint();
    }
    yield* finishEpoch(run, options);
  }
  yield await run.finish(run.progress.epoch - 1, true);
}

/** What follows the last batch of an epoch: validation, then a checkpoint. */
async function* finishEpoch<Y extends DType>(
  run: Run<Y>,
  { optimizer, checkpoints, parallel }: TrainOptions<Y>,
): AsyncGenerator<TrainEvent, void, undefined> {
  run.checkHadBatches();
  // A consumer may leave at the epoch's event and use the weights.
  await parallel?.settle();
  const validationLoss = await run.validate();
  const { epoch } = run.progress;
  const { steps: step } = optimizer;
  if (validationLoss !== undefined) yield { type: "validation", epoch, step, loss: validationLoss };
  yield { type: "epoch", epoch, step, loss: meanLoss(run.progress), validationLoss };
  if (checkpoints !== undefined) yield await run.saveCheckpoint(nextEpoch(run.progress));
}
