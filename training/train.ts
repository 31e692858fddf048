import { type DType, full, loadParameters, type NamedParameters, scope } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { checkCounts } from "@unfold/core/support";
import type { Layer } from "@unfold/layers";
import type { Optimizer } from "@unfold/optimizers";
import { type Batch, type Batches, type Loss, lossOf } from "./batch.ts";
import { CheckpointError, type Checkpoints } from "./checkpoints.ts";
import { evaluate } from "./evaluate.ts";
import { type Parallel, RankRows } from "./parallel.ts";
import type { Stateful } from "./stateful.ts";

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
  /**
   * Where checkpoints go; there is one after each epoch, when the run is stopped, and every so many steps if that is asked for.
   *
   * @default {none}
   */
  checkpoints?: Checkpoints;
  /**
   * Whether to go on from the last checkpoint, if there is one, or from which file. Without it a folder that has checkpoints is
   * refused.
   *
   * @default {false}
   */
  resume?: boolean | string;
  /**
   * Stops the run when it is aborted, after the step that is under way: `stopOnSignals().signal`.
   *
   * @default {none}
   */
  signal?: AbortSignal;
  /**
   * Ranks that each take their share of every batch: `dataParallel()` of `@unfold/distributed`. All of them go through the same
   * batches and get the same events; a checkpoint is written by rank 0 alone, and read by it for all. A signal on one of them
   * stops them all.
   *
   * @default {none: all by itself}
   */
  parallel?: Parallel;
}

/** A batch has been gone through: a step of the optimizer, or a part of one where it accumulates gradients. */
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
  /** Targets in the batch: one a sample, or one a token of each. */
  readonly targets: number;
  /** The step's learning rate. */
  readonly learningRate: number;
}

/** The model has been evaluated on the validation data. */
export interface ValidationEvent {
  /** Which event this is. */
  readonly type: "validation";
  /** The epoch; the first is 1. */
  readonly epoch: number;
  /** The optimizer's steps so far. */
  readonly step: number;
  /** The mean loss on the validation data. */
  readonly loss: number;
}

/** One epoch is over. */
export interface EpochEvent {
  /** Which event this is. */
  readonly type: "epoch";
  /** The epoch; the first is 1. */
  readonly epoch: number;
  /** The optimizer's steps so far. */
  readonly step: number;
  /** The mean loss of the epoch's targets, each before the step that it was part of. */
  readonly loss: number;
  /** The mean loss on the validation data, where there is any. */
  readonly validationLoss: number | undefined;
}

/** A checkpoint has been written. */
export interface CheckpointEvent {
  /** Which event this is. */
  readonly type: "checkpoint";
  /** The epoch; the first is 1. */
  readonly epoch: number;
  /** The optimizer's steps so far. */
  readonly step: number;
  /** The mean loss of the epoch's targets so far. */
  readonly loss: number;
  /** The file. */
  readonly path: string;
}

/** Training is over. */
export interface DoneEvent {
  /** Which event this is. */
  readonly type: "done";
  /** The epoch; the first is 1. */
  readonly epoch: number;
  /** The optimizer's steps so far. */
  readonly step: number;
  /** The mean loss of the last epoch's targets. */
  readonly loss: number;
  /** Whether all epochs are over; false where the run was stopped. */
  readonly finished: boolean;
}

/** What {@linkcode train} yields. */
export type TrainEvent = StepEvent | ValidationEvent | EpochEvent | CheckpointEvent | DoneEvent;

/** How far a run is, as a checkpoint holds it. */
interface Progress {
  /** The epoch that is under way, or comes next. */
  epoch: number;
  /** Its batches so far. */
  batches: number;
  /** The sum of their targets' losses. */
  total: number;
  /** Their targets, but for those of batches whose loss was not finite. */
  targets: number;
  /** Whether its batches are over, and only what comes after them is left. */
  over: boolean;
  /** The mean loss of the epoch before; null, as JSON has no NaN, where there is none. */
  readonly before: number | null;
}

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
  const { model, optimizer, loss, batches, validation, epochs, checkpoints, resume = false, signal, parallel } =
    options;
  checkCounts("train", { epochs });
  const parts = {
    model: statefulParameters(model.parameters()),
    optimizer,
    ...(isStateful(batches) && { batches }),
    ...(isStateful(model) && { carried: new RankRows(model) }),
  };
  if (resume !== false && checkpoints === undefined) {
    throw new TypeError("Cannot train: to resume there must be checkpoints, got none");
  }
  let lastGood: { loss: number; norm: number } | undefined;
  let lastSaved: string | undefined;
  let lastBreath = performance.now();
  /** Whether a rank was told to stop. */
  let stopped = false;
  let progress = await start();
  await parallel?.synchronize();

  for (; progress.epoch <= epochs; progress = next()) {
    const { epoch } = progress;
    // Batches that know where they stand go on by themselves.
    let toPass = isStateful(batches) ? 0 : progress.batches;
    for await (const batch of progress.over ? [] : batches) {
      if (toPass-- > 0) continue;
      const stepsBefore = optimizer.steps;
      const value = await takeStep(batch);
      progress.batches++;
      if (Number.isFinite(value)) {
        progress.total += batch.y.size * value;
        progress.targets += batch.y.size;
      }
      const { steps: step, learningRate } = optimizer;
      const samples = batch.x.shape[0] ?? 1;
      yield { type: "step", epoch, step, loss: value, samples, targets: batch.y.size, learningRate };
      if (signal !== undefined) await breathe();
      if (parallel === undefined ? signal?.aborted : stopped) {
        if (checkpoints !== undefined) yield await save();
        yield await done(epoch, false);
        return;
      }
      if (step > stepsBefore && step % (checkpoints?.everySteps ?? Infinity) === 0) yield await save();
    }
    if (progress.batches === 0) {
      throw new RangeError(
        `Cannot train: batches must give at least one batch in every epoch, got none in epoch ${epoch}; a generator gives ` +
          "its batches only once, an array or a Windows again and again",
      );
    }
    // Consumers may leave at the epoch's event, and take the weights.
    await parallel?.settle();
    const { steps: step } = optimizer;
    const validationLoss = validation === undefined
      ? undefined
      : await evaluate(model, { loss, batches: validation, ...(parallel && { parallel }) });
    if (validationLoss !== undefined && !Number.isFinite(validationLoss) && !optimizer.skipsNonFinite) {
      throw diverged(`the validation loss must be finite, got ${validationLoss}`);
    }
    if (validationLoss !== undefined) yield { type: "validation", epoch, step, loss: validationLoss };
    yield { type: "epoch", epoch, step, loss: meanLoss(), validationLoss };
    if (checkpoints !== undefined) yield await save(next());
  }
  yield await done(progress.epoch - 1, true);

  /** NaN where every step of the epoch was dropped. */
  function meanLoss(): number {
    return progress.batches === 0 ? progress.before ?? NaN : progress.total / progress.targets;
  }

  function next(): Progress {
    const loss = meanLoss();
    const before = Number.isFinite(loss) ? loss : null;
    return { epoch: progress.epoch + 1, batches: 0, total: 0, targets: 0, over: false, before };
  }

  async function done(epoch: number, finished: boolean): Promise<DoneEvent> {
    await checkWeights();
    return { type: "done", epoch, step: optimizer.steps, loss: meanLoss(), finished };
  }

  async function start(): Promise<Progress> {
    const anew = { epoch: 1, batches: 0, total: 0, targets: 0, over: false, before: null };
    if (checkpoints === undefined) return anew;
    checkpoints.share(parallel);
    if (resume !== false) {
      const restored = await checkpoints.restore(parts, typeof resume === "string" ? resume : undefined);
      lastSaved = restored?.path;
      return restored?.progress as Progress | undefined ?? anew;
    }
    if (parallel !== undefined && parallel.rank > 0) return anew;
    if ((await checkpoints.list()).length === 0) return anew;
    throw new CheckpointError(
      `Cannot train from the start: ${checkpoints.folder} must hold no checkpoints, and holds those of a run that was not ` +
        "finished; resume it, remove them, or name another folder",
    );
  }

  async function save(at: Progress = progress): Promise<CheckpointEvent> {
    await checkWeights();
    // At its last batch a source already stands before the first one of the next pass.
    if (at === progress && isStateful(batches)) at.over = Number(batches.state().get("position")?.data[0]) === 0;
    lastSaved = await checkpoints!.save(optimizer.steps, parts, at);
    return { type: "checkpoint", epoch: progress.epoch, step: optimizer.steps, loss: meanLoss(), path: lastSaved };
  }

  /** Lets signals in, ten times a second: batches that are at hand at once leave no room for them. */
  async function breathe(): Promise<void> {
    if (performance.now() - lastBreath < 100) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    lastBreath = performance.now();
  }

  /** The loss of a batch, and its gradients, in a scope of its own, which ends before anything else happens. */
  async function backPropagate(batch: Batch<Y>): Promise<number> {
    if (parallel === undefined) return computeGradients(batch, 1);
    const share = parallel.shard(batch);
    const weight = (share?.y.size ?? 0) / batch.y.size;
    if (share === undefined && batch.first) model.reset?.();
    const own = share === undefined ? 0 : weight * computeGradients(share, weight);
    const [value, stops] = await parallel.sum([own, Number(signal?.aborted ?? false)]);
    stopped = stops! > 0;
    if (optimizer.completesStep) await parallel.sumGradients();
    return value!;
  }

  function computeGradients(batch: Batch<Y>, weight: number): number {
    using _ = scope();
    const error = lossOf(model, loss, batch);
    error.backward(weight === 1 ? undefined : full([], weight));
    return error.item();
  }

  async function takeStep(batch: Batch<Y>): Promise<number> {
    const value = await backPropagate(batch);
    if (!Number.isFinite(value) && !optimizer.skipsNonFinite) {
      // They would spoil the first step of another attempt.
      optimizer.zeroGrad();
      throw diverged(`the loss must be finite, got ${value}`);
    }
    const norm = optimizer.gradientNorm;
    if (!Number.isFinite(norm) && !optimizer.skipsNonFinite) {
      optimizer.zeroGrad();
      throw diverged(`the gradients must be finite, got a norm of ${norm} at a loss of ${value}`);
    }
    const { skippedSteps } = optimizer;
    optimizer.step();
    // What a bad batch has left in a state that is carried would spoil the next ones.
    if (optimizer.skippedSteps > skippedSteps) model.reset?.();
    if (Number.isFinite(value)) lastGood = { loss: value, norm };
    return value;
  }

  /** A step may have been so large that its outcome is infinite, which only the next loss would tell; ranks may have come apart. */
  async function checkWeights(): Promise<void> {
    await parallel?.settle();
    for (const [name, { offset, size }] of Object.entries(model.parameters())) {
      const squares = coreKernels.sumOfSquares(offset, size);
      if (!Number.isFinite(squares)) throw diverged(`${name} must hold finite numbers, and does not`);
    }
  }

  function diverged(problem: string): RangeError {
    const before = lastGood === undefined
      ? "the first of this run"
      : `a loss of ${lastGood.loss} and a gradient norm of ${lastGood.norm} at the step before`;
    return new RangeError(
      `Cannot go on training: ${problem} at step ${optimizer.steps + 1} (${before}); try a lower learning rate than ` +
        `${optimizer.learningRate}, clipByGlobalNorm, or look for bad values in the data` +
        (lastSaved === undefined ? "" : `; the last good checkpoint is ${lastSaved}`),
    );
  }
}

function isStateful(value: object): value is Stateful {
  const { state, load } = value as Partial<Stateful>;
  return typeof state === "function" && typeof load === "function";
}

function statefulParameters(parameters: NamedParameters): Stateful {
  return {
    state: () => new Map(Object.entries(parameters)),
    load: (state) => loadParameters(parameters, state),
  };
}
