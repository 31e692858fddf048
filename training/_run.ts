import { type DType, full, loadParameters, type NamedParameters, scope } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { checkCounts } from "@unfold/core/support";
import { type Batch, type Batches, lossOf } from "./batch.ts";
import { CheckpointError } from "./checkpoints.ts";
import { evaluate } from "./evaluate.ts";
import type { CheckpointEvent, DoneEvent, StepEvent, TrainOptions } from "./events.ts";
import { RankRows } from "./parallel.ts";
import type { Stateful } from "./stateful.ts";

/** How far a run has come. Checkpoints store it as JSON. */
export interface Progress {
  /** The current epoch, or the next one. */
  readonly epoch: number;
  /** Batches of the epoch so far. */
  batches: number;
  /** The sum of their targets' losses. */
  total: number;
  /** Their targets, without those of batches whose loss was not finite. */
  targets: number;
  /** Whether all batches of the epoch are done, and only validation and what follows it are left. */
  over: boolean;
  /** The mean loss of the previous epoch, or null if there is none: JSON has no NaN. */
  readonly before: number | null;
}

/** The progress of a run that has not started. */
export function firstEpoch(): Progress {
  return { epoch: 1, batches: 0, total: 0, targets: 0, over: false, before: null };
}

/** The progress after an epoch ends. */
export function nextEpoch(progress: Progress): Progress {
  const loss = meanLoss(progress);
  return { ...firstEpoch(), epoch: progress.epoch + 1, before: Number.isFinite(loss) ? loss : null };
}

/** The epoch's mean loss so far, or the previous epoch's before the first batch. NaN if every step was skipped. */
export function meanLoss({ batches, total, targets, before }: Progress): number {
  return batches === 0 ? before ?? NaN : total / targets;
}

/** The state of one training run, and the steps that `train()` puts in order. */
export class Run<Y extends DType> {
  /** How far the run has come. */
  progress: Progress = firstEpoch();
  /** The last step with a finite loss. */
  lastGood: { readonly loss: number; readonly norm: number } | undefined;
  /** The checkpoint that was last written, or resumed from. */
  lastSaved: string | undefined;
  readonly #options: TrainOptions<Y>;
  /** What a checkpoint holds besides the parts that the user names. */
  readonly #parts: Readonly<Record<string, Stateful>>;
  #someRankStopped = false;
  #lastBreath = performance.now();

  /**
   * @throws {RangeError} If `epochs` is not a positive integer.
   * @throws {TypeError} If the run is to resume but has no checkpoints.
   */
  constructor(options: TrainOptions<Y>) {
    const { model, optimizer, batches, epochs, checkpoints, resume = false } = options;
    checkCounts("train", { epochs });
    if (resume !== false && checkpoints === undefined) {
      throw new TypeError("Cannot train: checkpoints must be given to resume a run, got none");
    }
    this.#options = options;
    this.#parts = {
      model: statefulParameters(model.parameters()),
      optimizer,
      ...(isStateful(batches) && { batches }),
      ...(isStateful(model) && { carried: new RankRows(model) }),
    };
  }

  /** Restores the last checkpoint if the run is to resume, then makes all ranks equal to rank 0. */
  async startOrResume(): Promise<void> {
    const { checkpoints, parallel, resume = false } = this.#options;
    checkpoints?.share(parallel);
    if (resume !== false) {
      const restored = await checkpoints!.restore(this.#parts, typeof resume === "string" ? resume : undefined);
      this.lastSaved = restored?.path;
      if (restored !== undefined) this.progress = restored.progress as Progress;
    } else if (checkpoints !== undefined && (parallel?.rank ?? 0) === 0 && (await checkpoints.list()).length > 0) {
      throw new CheckpointError(
        `Cannot train from the start: ${checkpoints.folder} must hold no checkpoints, got those of an unfinished run; ` +
          "resume it, remove them, or name another folder",
      );
    }
    await parallel?.synchronize();
  }

  /** The epoch's batches that are still to do. */
  batchesLeft(): Batches<Y> {
    const { batches } = this.#options;
    if (this.progress.over) return [];
    // Stateful batches know their own position.
    return isStateful(batches) || this.progress.batches === 0 ? batches : skip(batches, this.progress.batches);
  }

  /**
   * One training step: gradients, then the optimizer's step, then the bookkeeping.
   *
   * @throws {RangeError} If the loss or a gradient is not finite and the optimizer does not skip such steps.
   */
  async takeStep(batch: Batch<Y>): Promise<StepEvent> {
    const { model, optimizer } = this.#options;
    const loss = await this.backPropagate(batch);
    const norm = this.#checkGradients(loss);
    const { skippedSteps } = optimizer;
    optimizer.step();
    // A bad batch leaves bad values in a carried state too.
    if (optimizer.skippedSteps > skippedSteps) model.reset?.();
    this.progress.batches++;
    if (Number.isFinite(loss)) {
      this.lastGood = { loss, norm };
      this.progress.total += batch.y.size * loss;
      this.progress.targets += batch.y.size;
    }
    const { steps: step, learningRate } = optimizer;
    const [samples, targets] = [batch.x.shape[0] ?? 1, batch.y.size];
    return { type: "step", epoch: this.progress.epoch, step, loss, samples, targets, learningRate };
  }

  /** Computes the gradients of a batch, summed over the ranks when a step is complete. Returns the batch's loss. */
  async backPropagate(batch: Batch<Y>): Promise<number> {
    const { model, optimizer, signal, parallel } = this.#options;
    if (parallel === undefined) return this.#computeGradients(batch, 1);
    const share = parallel.shard(batch);
    const weight = (share?.y.size ?? 0) / batch.y.size;
    if (share === undefined && batch.first) model.reset?.();
    const own = share === undefined ? 0 : weight * this.#computeGradients(share, weight);
    const [loss, stops] = await parallel.sum([own, Number(signal?.aborted ?? false)]);
    this.#someRankStopped = stops! > 0;
    if (optimizer.completesStep) await parallel.sumGradients();
    return loss!;
  }

  /** Adds `weight` times the gradients of a batch; its activations are released at once. Returns the loss. */
  #computeGradients(batch: Batch<Y>, weight: number): number {
    const { model, loss } = this.#options;
    using _ = scope();
    const error = lossOf(model, loss, batch);
    error.backward(weight === 1 ? undefined : full([], weight));
    return error.item();
  }

  /** The gradients' norm; throws if it or the loss is not finite, unless the optimizer skips such steps. */
  #checkGradients(loss: number): number {
    const { optimizer } = this.#options;
    const refuse = (problem: string) => {
      if (optimizer.skipsNonFinite) return;
      // So that another attempt starts clean.
      optimizer.zeroGrad();
      throw this.diverged(problem);
    };
    if (!Number.isFinite(loss)) refuse(`the loss must be finite, got ${loss}`);
    const norm = optimizer.gradientNorm;
    if (!Number.isFinite(norm)) refuse(`the gradients must be finite, got a norm of ${norm} at a loss of ${loss}`);
    return norm;
  }

  /** Lets signals in, at most ten times a second: batches that need no waiting leave no room for them. */
  async breathe(): Promise<void> {
    if (this.#options.signal === undefined || performance.now() - this.#lastBreath < 100) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#lastBreath = performance.now();
  }

  /** Whether the run was told to stop, on any rank. */
  get isStopped(): boolean {
    const { signal, parallel } = this.#options;
    return parallel === undefined ? signal?.aborted ?? false : this.#someRankStopped;
  }

  /** Whether the last batch completed a step after which a checkpoint is due. */
  isCheckpointDue(stepsBefore: number, step: number): boolean {
    return step > stepsBefore && step % (this.#options.checkpoints?.everySteps ?? Infinity) === 0;
  }

  /**
   * Writes a checkpoint.
   *
   * @param at The progress to resume from: after an epoch, the start of the next one.
   */
  async saveCheckpoint(at: Progress = this.progress): Promise<CheckpointEvent> {
    const { optimizer, batches, checkpoints } = this.#options;
    await this.checkWeights();
    // After its last batch a source is already at the start of the next pass.
    if (at === this.progress && isStateful(batches)) at.over = Number(batches.state().get("position")?.data[0]) === 0;
    this.lastSaved = await checkpoints!.save(optimizer.steps, this.#parts, at);
    const { epoch } = this.progress;
    return { type: "checkpoint", epoch, step: optimizer.steps, loss: meanLoss(this.progress), path: this.lastSaved };
  }

  /** The last event, once the weights are known to be good. */
  async finish(epoch: number, finished: boolean): Promise<DoneEvent> {
    await this.checkWeights();
    return { type: "done", epoch, step: this.#options.optimizer.steps, loss: meanLoss(this.progress), finished };
  }

  /** The mean loss on the validation data, if any. */
  async validate(): Promise<number | undefined> {
    const { model, optimizer, loss, validation, parallel } = this.#options;
    if (validation === undefined) return undefined;
    const value = await evaluate(model, { loss, batches: validation, ...(parallel && { parallel }) });
    if (Number.isFinite(value) || optimizer.skipsNonFinite) return value;
    throw this.diverged(`the validation loss must be finite, got ${value}`);
  }

  /** @throws {RangeError} If the epoch had no batch. */
  checkHadBatches(): void {
    if (this.progress.batches > 0) return;
    throw new RangeError(
      `Cannot train: batches must give at least one batch in every epoch, got none in epoch ${this.progress.epoch}; ` +
        "a generator gives its batches only once, use an array or Windows",
    );
  }

  /**
   * Makes sure that ranks hold the same weights, and that these are finite: after too large a step they are not, which
   * otherwise only the next loss would show.
   *
   * @throws {RangeError} If a weight is not finite.
   */
  async checkWeights(): Promise<void> {
    const { model, parallel } = this.#options;
    await parallel?.settle();
    for (const [name, { offset, size }] of Object.entries(model.parameters())) {
      const norm = Math.sqrt(coreKernels.sumOfSquares(offset, size));
      if (!Number.isFinite(norm)) throw this.diverged(`${name} must hold finite values, got a norm of ${norm}`);
    }
  }

  /** The error for a run that went wrong: where, what the step before looked like, and what to try. */
  diverged(problem: string): RangeError {
    const { steps, learningRate } = this.#options.optimizer;
    const before = this.lastGood === undefined
      ? "the first of this run"
      : `a loss of ${this.lastGood.loss} and a gradient norm of ${this.lastGood.norm} at the step before`;
    return new RangeError(
      `Cannot continue training: ${problem} at step ${steps + 1} (${before}); ` +
        `try a learning rate below ${learningRate} or clipByGlobalNorm, or look for bad values in the data` +
        (this.lastSaved === undefined ? "" : `; the last good checkpoint is ${this.lastSaved}`),
    );
  }
}

/** The batches after the first `count`. */
async function* skip<Y extends DType>(batches: Batches<Y>, count: number): AsyncGenerator<Batch<Y>, void, undefined> {
  for await (const batch of batches) if (count-- <= 0) yield batch;
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
