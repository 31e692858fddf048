import { type DType, full, loadParameters, type NamedParameters, scope } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { checkCounts, printable } from "@unfold/core/support";
import type { Layer } from "@unfold/layers";
import type { Optimizer } from "@unfold/optimizers";
import { addToGroup, checkProgress, firstEpoch, meanLoss, type Progress } from "./_progress.ts";
import { type Batch, type Batches, checkBatch, checkBatches, findBadValue, lossOf } from "./batch.ts";
import { CheckpointError } from "./checkpoints.ts";
import { measure } from "./evaluate.ts";
import type { CheckpointEvent, DoneEvent, StepEvent, TrainOptions } from "./events.ts";
import { RankRows } from "./parallel.ts";
import { isStateful, type Stateful } from "./stateful.ts";

/** The loss of a batch, over all ranks, its targets that count, and whether its step was skipped. */
type BatchLoss = Pick<StepEvent, "loss" | "counted" | "skipped">;

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
   * @throws {TypeError} If the run is to resume but has no checkpoints, the batches cannot be iterated over, or the optimizer is
   * of another model.
   */
  constructor(options: TrainOptions<Y>) {
    const { model, optimizer, batches, validation, epochs, checkpoints, resume = false } = options;
    checkCounts("train", { epochs });
    checkBatches("train", "batches", batches);
    if (validation !== undefined) checkBatches("train", "validation", validation);
    if (resume !== false && checkpoints === undefined) {
      throw new TypeError("Cannot train: checkpoints must be given to resume a run, got none");
    }
    const parameters = model.parameters();
    checkOwner(parameters, optimizer);
    this.#options = options;
    this.#parts = {
      model: statefulParameters(parameters),
      optimizer,
      ...(isStateful(batches) && { batches }),
      ...(isStateful(model) && { carried: new RankRows(model) }),
    };
  }

  /** Reserves the folder of the checkpoints, if any, until the result is disposed of. */
  async lockCheckpoints(): Promise<Disposable | undefined> {
    const { checkpoints, parallel } = this.#options;
    checkpoints?.share(parallel);
    return await checkpoints?.lock();
  }

  /**
   * Drops gradients from before the run. Then restores the last checkpoint if the run is to resume, and makes all ranks equal to
   * rank 0.
   */
  async startOrResume(): Promise<void> {
    const { model, optimizer, checkpoints, parallel, resume = false } = this.#options;
    checkOwner(model.parameters(), optimizer);
    optimizer.zeroGrad();
    checkpoints?.share(parallel);
    const described: Layer & { architecture?(): unknown } = model;
    checkpoints?.describe(() => described.architecture?.());
    if (resume !== false) {
      const restored = await checkpoints!.restore(this.#parts, typeof resume === "string" ? resume : undefined);
      this.lastSaved = restored?.path;
      if (restored !== undefined) this.#restored(restored);
    } else if (checkpoints !== undefined && (parallel?.rank ?? 0) === 0 && (await checkpoints.list()).length > 0) {
      throw new CheckpointError(
        `Cannot train from the start: ${checkpoints.folder} must hold no checkpoints, got those of an unfinished run; ` +
          "resume it, remove them, or name another folder",
      );
    }
    await parallel?.synchronize();
  }

  /**
   * Takes over the progress in a checkpoint.
   *
   * @throws {CheckpointError} If it does not fit the optimizer's state, or a weight is not finite: what would come of it later
   * says nothing of the file.
   */
  #restored({ progress, path }: { readonly progress: unknown; readonly path: string }): void {
    this.progress = checkProgress(progress, path);
    const fail = (problem: string) => {
      throw new CheckpointError(`Cannot resume from ${printable(path, Infinity)}: ${problem}`);
    };
    const accumulated = Number(this.#options.optimizer.state().get("accumulated")!.data[0]);
    const batches = this.progress.group?.batches ?? 0;
    if (batches !== accumulated) {
      fail(`its progress must have the ${accumulated} batches of the optimizer's next step, got ${batches}`);
    }
    const bad = this.#badWeight();
    if (bad !== undefined) fail(`${bad[0]} must hold finite values, got a norm of ${bad[1]}`);
  }

  /** Drops the gradients of a step that was not taken, so that another attempt starts as this one did. */
  abandonStep(): void {
    const { optimizer } = this.#options;
    this.progress.group = null;
    // Another optimizer may have taken over the parameters.
    if (!optimizer.slab.released) optimizer.zeroGrad();
  }

  /** The epoch's batches that are still to do. */
  batchesLeft(): Batches<Y> {
    const { batches } = this.#options;
    if (this.progress.over) return [];
    // Stateful batches know their own position.
    return isStateful(batches) || this.progress.batches === 0 ? batches : skip(batches, this.progress.batches);
  }

  /**
   * One training step: gradients, then the optimizer's step, then the bookkeeping. If something throws, no gradients are left.
   *
   * @throws {TypeError} If the batch is not `{ x, y }`, or the loss is not a scalar.
   * @throws {RangeError} If the loss or a gradient is not finite and the optimizer does not skip such steps.
   */
  async takeStep(batch: Batch<Y>): Promise<StepEvent> {
    checkBatch("train", batch);
    const { optimizer } = this.#options;
    const [stepsBefore, { epoch }] = [optimizer.steps, this.progress];
    let result: BatchLoss;
    try {
      result = await this.#learn(batch);
    } catch (error) {
      this.abandonStep();
      this.#options.model.reset?.();
      throw error;
    }
    const { steps: step, learningRate } = optimizer;
    const [samples, targets] = [batch.x.shape[0] ?? 1, batch.y.size];
    const stepped = step > stepsBefore;
    return { type: "step", epoch, step, samples, targets, stepped, learningRate, ...result };
  }

  /** Learns from a batch. */
  async #learn(batch: Batch<Y>): Promise<BatchLoss> {
    const { model, optimizer } = this.#options;
    const { loss, counted } = await this.backPropagate(batch);
    this.progress.batches++;
    if (counted === 0) {
      this.progress.uncounted++;
      return { loss: 0, counted, skipped: "uncounted" };
    }
    const isFinite = Number.isFinite(loss);
    const norm = this.#checkGradients(loss, batch);
    // The gradients of a bad loss can be finite, which would hide it from the plugin that drops the step.
    if (!isFinite) optimizer.slab.grads.fill(NaN);
    const { skippedSteps } = optimizer;
    this.#stepOptimizer();
    if (isFinite) {
      this.lastGood = { loss, norm };
      this.progress.total += counted * loss;
      this.progress.targets += counted;
    }
    if (optimizer.skippedSteps === skippedSteps) return { loss, counted };
    // A bad batch leaves bad values in a carried state too.
    model.reset?.();
    return { loss, counted, skipped: "nonFinite" };
  }

  /** A step of the optimizer, or one of those it accumulates. Returns whether this completed the group. */
  #stepOptimizer(): boolean {
    const { optimizer } = this.#options;
    const { completesStep } = optimizer;
    optimizer.step();
    if (completesStep) this.progress.group = null;
    return completesStep;
  }

  /**
   * Computes the gradients of a batch. When they complete a step, they are summed over the ranks and become those of one batch
   * with all the samples of the group: ∇L = Σ cᵢ·∇Lᵢ/Σ cᵢ, where cᵢ are the counted targets of part i.
   */
  async backPropagate(batch: Batch<Y>): Promise<BatchLoss> {
    const { model, signal, parallel } = this.#options;
    const { group } = this.progress;
    const isAlone = parallel === undefined || parallel.size === 1;
    // Ranks need the same unit before they know of each other's targets.
    const unit = group?.unit ?? (isAlone ? undefined : batch.y.size);
    const share = parallel === undefined ? batch : parallel.shard(batch);
    if (share === undefined && batch.first) model.reset?.();
    const own = share === undefined ? { loss: 0, counted: 0 } : this.#computeGradients(share, unit);
    let { loss, counted } = own;
    if (parallel !== undefined) {
      const numbers = [own.counted * own.loss, own.counted, Number(signal?.aborted ?? false)];
      const [total, all, stops] = await parallel.sum(numbers) as [number, number, number];
      this.#someRankStopped = stops > 0;
      if (!isAlone) [loss, counted] = [total / all, all];
    }
    if (counted === 0) return { loss: 0, counted };
    addToGroup(this.progress, counted, unit ?? counted);
    await this.#finishGradients();
    return { loss, counted };
  }

  /**
   * Adds the gradients of a batch to the sum, with weight counted/unit, or 1 without a unit. Its activations are released at
   * once.
   */
  #computeGradients(batch: Batch<Y>, unit: number | undefined): BatchLoss {
    const { model, loss } = this.#options;
    using _ = scope();
    const { loss: error, counted } = lossOf("train", model, loss, batch);
    // The loss of no targets can be NaN, and so can its gradients.
    if (counted === 0) return { loss: 0, counted };
    const weight = counted / (unit ?? counted);
    error.backward(weight === 1 ? undefined : full(error.shape, weight));
    return { loss: error.item(), counted };
  }

  /** Sums and weighs the gradients if the optimizer's next step is not one that it only accumulates. */
  async #finishGradients(): Promise<void> {
    const { optimizer, parallel } = this.#options;
    if (!optimizer.completesStep) return;
    await parallel?.sumGradients();
    const { batches, counted, unit } = this.progress.group!;
    // The optimizer takes the mean over the batches.
    const factor = batches * unit / counted;
    const { byteOffset, length } = optimizer.slab.grads;
    if (factor !== 1) coreKernels.affine(byteOffset, byteOffset, length, factor, 0);
  }

  /** Takes the step of the run's last group, which can have fewer batches than the optimizer accumulates. */
  async finishGroup(): Promise<void> {
    const { group } = this.progress;
    if (group === null) return;
    // The missing batches are as good as ones without targets.
    for (let isComplete = false; !isComplete;) {
      addToGroup(this.progress, 0, group.unit);
      await this.#finishGradients();
      isComplete = this.#stepOptimizer();
    }
  }

  /** The gradients' norm; throws if it or the loss is not finite, unless the optimizer skips such steps. */
  #checkGradients(loss: number, batch: Batch<Y>): number {
    const { optimizer } = this.#options;
    const norm = optimizer.gradientNorm;
    if (optimizer.skipsNonFinite || (Number.isFinite(loss) && Number.isFinite(norm))) return norm;
    const bad = findBadValue(batch);
    if (bad !== undefined) throw this.#badData(bad);
    throw this.diverged(
      Number.isFinite(loss)
        ? `the gradients must be finite, got a norm of ${norm} at a loss of ${loss}`
        : `the loss must be finite, got ${loss}`,
    );
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

  /** Asks all ranks whether they were told to stop, before a step does. */
  async askRanks(): Promise<void> {
    const { signal, parallel } = this.#options;
    if (parallel === undefined) return;
    const [stops] = await parallel.sum([Number(signal?.aborted ?? false)]);
    this.#someRankStopped = stops! > 0;
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
    const measured = await measure(model, { loss, batches: validation, ...(parallel && { parallel }) });
    if (Number.isFinite(measured.loss) || optimizer.skipsNonFinite) return measured.loss;
    if (measured.problem !== undefined) throw this.#badData(`in the validation data, ${measured.problem}`);
    throw this.diverged(`the validation loss must be finite, got ${measured.loss}`);
  }

  /** @throws {RangeError} If the epoch had no batch, or none with a target that counts. */
  checkHadTargets(): void {
    const { batches, uncounted, epoch } = this.progress;
    if (batches === 0) {
      throw new RangeError(
        `Cannot train: batches must give at least one batch in every epoch, got none in epoch ${epoch}; ` +
          "a generator gives its batches only once, use an array or Windows",
      );
    }
    if (uncounted < batches) return;
    throw new RangeError(
      `Cannot train: at least one target must count in every epoch, got none in epoch ${epoch}; ` +
        "look at ignoreIndex, lengths and weights",
    );
  }

  /**
   * Makes sure that ranks hold the same weights, and that these are finite: after too large a step they are not, which
   * otherwise only the next loss would show.
   *
   * @throws {RangeError} If a weight is not finite.
   */
  async checkWeights(): Promise<void> {
    const { parallel } = this.#options;
    await parallel?.settle();
    const bad = this.#badWeight();
    if (bad !== undefined) throw this.diverged(`${bad[0]} must hold finite values, got a norm of ${bad[1]}`);
  }

  /** The name and the norm of a parameter with a value that is not finite. */
  #badWeight(): readonly [name: string, norm: number] | undefined {
    for (const [name, { offset, size }] of Object.entries(this.#options.model.parameters())) {
      const norm = Math.sqrt(coreKernels.sumOfSquares(offset, size));
      if (!Number.isFinite(norm)) return [name, norm];
    }
    return undefined;
  }

  /** The error for data that a network cannot learn from. */
  #badData(problem: string): RangeError {
    const at = `in epoch ${this.progress.epoch} at step ${this.#options.optimizer.steps + 1}`;
    return new RangeError(`Cannot train: ${problem}, ${at}; remove or fill in such values${this.#lastCheckpoint}`);
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
        this.#lastCheckpoint,
    );
  }

  get #lastCheckpoint(): string {
    return this.lastSaved === undefined ? "" : `; the last good checkpoint is ${this.lastSaved}`;
  }
}

/** Throws a `TypeError` unless an optimizer holds parameters of the model. */
function checkOwner(parameters: NamedParameters, optimizer: Optimizer): void {
  const all = Object.values(parameters);
  if (all.length === 0 || all.some(({ slab }) => slab === optimizer.slab)) return;
  throw new TypeError(
    "Cannot train: the optimizer must hold the model's parameters, got the optimizer of another model, or one whose parameters " +
      "a later optimizer has taken over; make it with new Optimizer(model.parameters(), …)",
  );
}

/** The batches after the first `count`. */
async function* skip<Y extends DType>(batches: Batches<Y>, count: number): AsyncGenerator<Batch<Y>, void, undefined> {
  for await (const batch of batches) if (count-- <= 0) yield batch;
}

function statefulParameters(parameters: NamedParameters): Stateful {
  return {
    state: () => new Map(Object.entries(parameters)),
    load: (state) => loadParameters(parameters, state),
  };
}
