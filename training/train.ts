import type { DType } from "@unfold/core";
import { meanLoss, nextEpoch } from "./_progress.ts";
import { Run } from "./_run.ts";
import type { TrainEvent, TrainOptions } from "./events.ts";

/**
 * The events of a run, from {@linkcode train}. It is no promise: `await train(…)` is an error, in the type checker and when it
 * runs, since it would wait for nothing.
 */
export interface TrainEvents extends AsyncGenerator<TrainEvent, void, undefined> {
  /**
   * Refuses `await train(…)`.
   *
   * @deprecated Iterate over the events, or use {@linkcode consume}.
   * @param reason Nothing can be passed.
   */
  then(reason: never): never;
}

/**
 * Trains a model, and yields an event after each step and each epoch and at the end. Progress bars, logs and early stopping
 * consume these events.
 *
 * Training happens while you iterate over the events: a `for await` loop, or `await consume(train(…))`. A call alone checks the
 * options and does nothing else. Leaving the loop stops the training.
 *
 * The first step starts from zero gradients, whatever was left in them, and a step that throws leaves none behind.
 *
 * If the optimizer accumulates k batches per step, the step's gradient is the one of a single batch with all their samples: a
 * batch weighs as much as its targets that count. A group can cross the end of an epoch. The last group of a run can be
 * incomplete. Its step is taken after the last batch, before the validation, and weighs its batches in the same way. A batch
 * without targets that count belongs to no group.
 *
 * @throws {TypeError} If the optimizer holds no parameter of the model, `batches` cannot be iterated over, a batch is not
 * `{ x, y }`, or the loss is not a scalar or does not use the batch's weights or lengths.
 * @throws {RangeError} If `epochs` is not a positive integer, an epoch has no batches or no target that counts, or the loss or a
 * gradient is not finite and the optimizer does not skip such steps. The parameters are then those of the last good step.
 * @throws {CheckpointError} If another run uses the folder of the checkpoints, or a checkpoint cannot be read or written.
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
export function train<Y extends DType>(options: TrainOptions<Y>): TrainEvents {
  const events = eventsOf(new Run(options), options);
  // What `await` would call.
  return Object.defineProperty(events, "then", { value: refuseAwait, configurable: true }) as unknown as TrainEvents;
}

function refuseAwait(): never {
  throw new TypeError(
    "Cannot await train(): it must be iterated over, which is what trains; write for await (const event of train(…)), or " +
      "await consume(train(…))",
  );
}

async function* eventsOf<Y extends DType>(
  run: Run<Y>,
  options: TrainOptions<Y>,
): AsyncGenerator<TrainEvent, void, undefined> {
  const { optimizer, epochs, checkpoints } = options;
  using _ = await run.lockCheckpoints();
  try {
    await run.startOrResume();
    for (; run.progress.epoch <= epochs; run.progress = nextEpoch(run.progress)) {
      await run.askRanks();
      if (run.isStopped) {
        const { epoch, batches } = run.progress;
        yield await run.finish(batches > 0 ? epoch : Math.max(1, epoch - 1), false);
        return;
      }
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
  } finally {
    // Whoever leaves in the middle of a group leaves its gradients.
    run.abandonStep();
  }
}

/** What follows the last batch of an epoch: validation, then a checkpoint. */
async function* finishEpoch<Y extends DType>(
  run: Run<Y>,
  { optimizer, checkpoints, parallel, epochs }: TrainOptions<Y>,
): AsyncGenerator<TrainEvent, void, undefined> {
  run.checkHadTargets();
  const { epoch } = run.progress;
  if (epoch === epochs) await run.finishGroup();
  // A consumer may leave at the epoch's event and use the weights.
  await parallel?.settle();
  const validationLoss = await run.validate();
  const { steps: step } = optimizer;
  if (validationLoss !== undefined) yield { type: "validation", epoch, step, loss: validationLoss };
  yield { type: "epoch", epoch, step, loss: meanLoss(run.progress), validationLoss };
  if (checkpoints !== undefined) yield await run.saveCheckpoint(nextEpoch(run.progress));
}
