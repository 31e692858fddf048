import { Random } from "@unfold/core";
import { type Communicator, dataParallel, ownStream, single } from "@unfold/distributed";
import { softmaxCrossEntropy } from "@unfold/layers";
import { clipByGlobalNorm, cosineDecay, Optimizer, type OptimizerPlugin } from "@unfold/optimizers";
import {
  type CheckpointConfig,
  Checkpoints,
  consume,
  type Consumer,
  earlyStopping,
  type EpochLosses,
  evaluate,
  history,
  type Parallel,
  type Part,
  type TokenSource,
  TokenStream,
  train,
} from "@unfold/training";
import { LanguageModel, type LanguageModelConfig } from "./language_model.ts";

/** Settings of a training run, besides the model's configuration. */
export interface LanguageSettings {
  readonly batchSize: number;
  /** Time steps per batch: gradients go back this far (truncated backpropagation through time). */
  readonly time: number;
  readonly epochs: number;
  /** The most steps to take, even if they end within an epoch. */
  readonly steps?: number | undefined;
  readonly learningRate: number;
  /** The maximum norm of the gradient. */
  readonly clip: number;
  readonly seed: number;
}

/** The consecutive parts of a text. */
export interface TextParts {
  readonly train: Part;
  readonly validation: Part;
  /** Undefined if no text was kept for testing. */
  readonly test: Part | undefined;
}

/** The result of a training run. Losses are in nats per token. */
export interface LanguageResult {
  readonly model: LanguageModel;
  readonly validationLoss: number;
  readonly testLoss: number | undefined;
  readonly history: readonly EpochLosses[];
  /** The epoch whose weights were kept. */
  readonly bestEpoch: number;
  /** The number of steps taken. */
  readonly steps: number;
}

/** How to run the training. */
interface TrainRun {
  readonly optimizer: OptimizerPlugin;
  /** Makes a consumer of the run's events, given its number of epochs. */
  readonly onEvent: (epochs: number) => Consumer;
  readonly folder: string;
  readonly config: CheckpointConfig;
  readonly resume: boolean;
  readonly signal: AbortSignal;
  /**
   * The ranks that share each batch.
   *
   * @default single()
   */
  readonly communicator?: Communicator;
}

/**
 * Splits a text in order into training, validation and test parts.
 *
 * @param name The text's name, for messages.
 * @throws {RangeError} If it is too short.
 */
export function splitText(
  count: number,
  { validation, test, batchSize, time }: { validation: number; test: number; batchSize: number; time: number },
  name: string,
): TextParts {
  if (count === 0) throw new RangeError(`Cannot train on ${name}: it must not be empty, got no text`);
  const testFrom = count - Math.round(count * test);
  const validationFrom = testFrom - Math.max(2, Math.round(count * validation));
  const least = batchSize * time + 1;
  if (validationFrom < least) {
    throw new RangeError(
      `Cannot train on ${name}: the training part must have at least ${least} tokens (batch size ${batchSize} × ` +
        `time ${time} + 1), got ${Math.max(0, validationFrom)} of ${count}; try a smaller --batch-size or --time`,
    );
  }
  return {
    train: { from: 0, to: validationFrom },
    validation: { from: validationFrom, to: testFrom },
    test: count - testFrom >= 2 ? { from: testFrom, to: count } : undefined,
  };
}

/** The loss on a part of a text, in nats per token. The part is read in `batchSize` streams side by side. */
export function lossOn(
  model: LanguageModel,
  tokens: TokenSource,
  part: Part,
  { parallel, ...sizes }: { batchSize: number; time: number; parallel?: Parallel },
): Promise<number> {
  const batches = streamOf(tokens, part, sizes);
  return evaluate(model.network, { loss: softmaxCrossEntropy, batches, ...(parallel && { parallel }) });
}

/** Batches of a part. A short part gets fewer streams, so that each has at least `time` tokens. */
function streamOf(
  tokens: TokenSource,
  part: Part,
  { batchSize, time }: { batchSize: number; time: number },
): TokenStream {
  const streams = Math.floor((part.to - part.from - 1) / time);
  return new TokenStream({ tokens, time, ...part, batchSize: Math.max(1, Math.min(batchSize, streams)) });
}

/**
 * Trains a language model on the training part and keeps the epoch with the lowest validation loss. Returns undefined
 * if the run was stopped.
 */
export async function trainLanguageModel(
  tokens: TokenSource,
  parts: TextParts,
  config: LanguageModelConfig,
  settings: LanguageSettings,
  run: TrainRun,
): Promise<LanguageResult | undefined> {
  const { batchSize, time, epochs, clip, seed } = settings;
  const random = new Random(seed);
  const model = new LanguageModel(config, random);
  const parameters = model.network.parameters();
  const batches = new TokenStream({ tokens, batchSize, time, ...parts.train });
  const most = Math.min(settings.steps ?? Infinity, epochs * batches.length);
  const inEpoch = most % batches.length;
  const learningRate = cosineDecay(settings.learningRate, most);
  const optimizer = new Optimizer(parameters, [clipByGlobalNorm(clip), run.optimizer], { learningRate });
  const { communicator = single() } = run;
  const parallel = dataParallel({ optimizer, communicator });
  ownStream(random, communicator);
  const [best, curve] = [earlyStopping(parameters), history()];
  const events = train({
    model: model.network,
    optimizer,
    loss: softmaxCrossEntropy,
    batches,
    validation: streamOf(tokens, parts.validation, settings),
    epochs,
    checkpoints: new Checkpoints({
      folder: run.folder,
      everySteps: 500,
      config: run.config,
      parts: { random, best, curve },
    }),
    resume: run.resume,
    signal: run.signal,
    parallel,
  });
  const enough: Consumer = ({ type, step }) => {
    if (step >= most && type === (inEpoch > 0 ? "step" : "epoch")) return "stop";
  };
  const last = (await consume(events, run.onEvent(Math.ceil(most / batches.length)), best, curve, enough))!;
  if (last.type === "done" && !last.finished) return undefined;
  if (last.type === "step") {
    // An epoch that was cut short is one: it may have been the best.
    const validationLoss = await lossOn(model, tokens, parts.validation, { batchSize, time, parallel });
    for (const consumer of [best, curve]) consumer({ ...last, type: "epoch", validationLoss });
  }
  if (last.type !== "done") best({ ...last, type: "done", finished: true });
  return {
    model,
    validationLoss: best.loss,
    testLoss: parts.test && await lossOn(model, tokens, parts.test, { batchSize, time, parallel }),
    history: curve.epochs,
    bestEpoch: best.epoch,
    steps: optimizer.steps,
  };
}
