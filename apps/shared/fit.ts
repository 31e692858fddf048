import type { DType, Random } from "@unfold/core";
import { type Communicator, dataParallel, ownStream, single } from "@unfold/distributed";
import type { Layer } from "@unfold/layers";
import { clipByGlobalNorm, cosineDecay, Optimizer, type OptimizerPlugin } from "@unfold/optimizers";
import {
  type Batches,
  type CheckpointConfig,
  Checkpoints,
  consume,
  type Consumer,
  earlyStopping,
  type EpochLosses,
  evaluate,
  history,
  type Loss,
  type Parallel,
  train,
} from "@unfold/training";

/** Steps between two checkpoints. */
const EVERY_STEPS = 500;

/** How to run a training run. */
export interface FitRun {
  /** The update rule, which gets clipped gradients. */
  readonly optimizer: OptimizerPlugin;
  /** Receives the events: progress, logs. */
  readonly onEvent?: Consumer;
  /** The folder for checkpoints. If omitted, none are written. */
  readonly folder?: string;
  /** Settings that a checkpoint must match to be resumed. */
  readonly config?: CheckpointConfig;
  /** Whether to resume from the last checkpoint, or which one to resume from. */
  readonly resume?: boolean | string;
  /** Stops the run after the current step. */
  readonly signal?: AbortSignal;
  /** The ranks that share the work. Default: this process alone. */
  readonly communicator?: Communicator;
}

/** What to fit, and on what. */
interface FitOptions<Y extends DType> extends FitRun {
  readonly loss: Loss<Y>;
  /** The training part. */
  readonly batches: Batches<Y>;
  /** The number of batches in the training part. */
  readonly batchesPerEpoch: number;
  /** The part for choosing the epoch. */
  readonly validation: Batches<Y>;
  readonly epochs: number;
  /** Ends the run after this many steps, even in the middle of an epoch. */
  readonly steps?: number | undefined;
  /** The initial learning rate. */
  readonly learningRate: number;
  /** The global norm that gradients are clipped to. */
  readonly clip: number;
  /** The random stream of the network's dropout, if any. Each rank gets its own, and checkpoints save it. */
  readonly random?: Random;
}

/** The result of {@linkcode fit}. Disposing of it frees the optimizer's state; the network keeps its weights. */
interface Fitted extends Disposable {
  /** The epoch that the network's final weights come from, counted from 1. */
  readonly bestEpoch: number;
  /** The validation loss of that epoch. */
  readonly validationLoss: number;
  /** The learning curve. */
  readonly history: readonly EpochLosses[];
  /** Optimizer steps taken. */
  readonly steps: number;
  /** Splits further evaluations over the same ranks. */
  readonly parallel: Parallel;
}

/**
 * The training recipe of the apps: gradient clipping, cosine decay of the learning rate to 0 at the last step, a
 * validation loss after each epoch, checkpoints, and finally the weights of the best epoch.
 *
 * @param network The network to train. It ends with the weights of the epoch with the smallest validation loss.
 * @param options The data, the schedule, and how to run it.
 * @returns The learning curve and the best epoch; undefined if the run was stopped.
 */
export async function fit<Y extends DType>(network: Layer, options: FitOptions<Y>): Promise<Fitted | undefined> {
  const { loss, batches, batchesPerEpoch, validation, epochs, clip, random } = options;
  const { folder, config, resume = false, signal, onEvent = () => {}, communicator = single() } = options;
  const all = epochs * batchesPerEpoch;
  const steps = Math.min(options.steps ?? all, all);
  const parameters = network.parameters();
  const learningRate = cosineDecay(options.learningRate, steps);
  const optimizer = new Optimizer(parameters, [clipByGlobalNorm(clip), options.optimizer], { learningRate });
  const parallel = dataParallel({ optimizer, communicator });
  if (random) ownStream(random, communicator);
  const [best, curve] = [earlyStopping(parameters), history()];
  const parts = { ...(random && { random }), best, curve };
  const events = train({
    model: network,
    optimizer,
    loss,
    batches,
    validation,
    epochs,
    ...(folder !== undefined && {
      checkpoints: new Checkpoints({ folder, everySteps: EVERY_STEPS, ...(config && { config }), parts }),
    }),
    resume,
    ...(signal && { signal }),
    parallel,
  });
  const endsInEpoch = steps % batchesPerEpoch > 0;
  const limit: Consumer = ({ type, step }) => {
    if (steps < all && step >= steps && type === (endsInEpoch ? "step" : "epoch")) return "stop";
  };
  const last = (await consume(events, onEvent, best, curve, limit))!;
  if (last.type === "done" && !last.finished) return undefined;
  if (last.type === "step") {
    // The partial epoch at the step limit counts too: it may be the best one.
    const validationLoss = await evaluate(network, { loss, batches: validation, parallel });
    for (const consumer of [best, curve]) consumer({ ...last, type: "epoch", validationLoss });
  }
  // Restores the best weights. train() does so only after all epochs.
  if (last.type !== "done") best({ ...last, type: "done", finished: true });
  return {
    bestEpoch: best.epoch,
    validationLoss: best.loss,
    history: curve.epochs,
    steps: optimizer.steps,
    parallel,
    [Symbol.dispose]: () => optimizer.dispose(),
  };
}
