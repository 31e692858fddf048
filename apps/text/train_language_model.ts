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

/** What can be chosen about a training run, besides the model. */
export interface LanguageSettings {
  readonly batchSize: number;
  /** Tokens that a gradient goes back through. */
  readonly time: number;
  readonly epochs: number;
  /** Steps after which the run ends all the same. */
  readonly steps?: number | undefined;
  readonly learningRate: number;
  /** The norm that gradients are clipped to. */
  readonly clip: number;
  readonly seed: number;
}

/** The parts of a text, one after the other. */
export interface TextParts {
  readonly train: Part;
  readonly validation: Part;
  /** Where some of the text was left for it. */
  readonly test: Part | undefined;
}

/** What came out of a training run: losses in nats a token. */
export interface LanguageResult {
  readonly model: LanguageModel;
  readonly validationLoss: number;
  readonly testLoss: number | undefined;
  readonly history: readonly EpochLosses[];
  /** The epoch whose weights were kept. */
  readonly bestEpoch: number;
  /** Steps that were made. */
  readonly steps: number;
}

/** How a training run goes, whatever is trained. */
interface TrainRun {
  readonly optimizer: OptimizerPlugin;
  /** Makes what is told of its events, of so many epochs. */
  readonly onEvent: (epochs: number) => Consumer;
  readonly folder: string;
  readonly config: CheckpointConfig;
  readonly resume: boolean;
  readonly signal: AbortSignal;
  /** The ranks that share the work; this process alone where it is left out. */
  readonly communicator?: Communicator;
}

/**
 * Cuts a text in order: to learn from, to choose by, to test on.
 *
 * @param name The text's name, for messages.
 * @throws {RangeError} If it is too short.
 */
export function splitText(
  count: number,
  { validation, test, batchSize, time }: { validation: number; test: number; batchSize: number; time: number },
  name: string,
): TextParts {
  if (count === 0) throw new RangeError(`Cannot train on ${name}: it must have text, got none`);
  const testFrom = count - Math.round(count * test);
  const validationFrom = testFrom - Math.max(2, Math.round(count * validation));
  const least = batchSize * time + 1;
  if (validationFrom < least) {
    throw new RangeError(
      `Cannot train on ${name}: what is learned from must have at least ${least} tokens, a batch of ${batchSize} times ${time} ` +
        `and one more, got ${Math.max(0, validationFrom)} of ${count}; a smaller --batch-size or --time needs fewer`,
    );
  }
  return {
    train: { from: 0, to: validationFrom },
    validation: { from: validationFrom, to: testFrom },
    test: count - testFrom >= 2 ? { from: testFrom, to: count } : undefined,
  };
}

/** The loss on a part of a text in nats a token, read in so many streams side by side. */
export function lossOn(
  model: LanguageModel,
  tokens: TokenSource,
  part: Part,
  { parallel, ...sizes }: { batchSize: number; time: number; parallel?: Parallel },
): Promise<number> {
  const batches = streamOf(tokens, part, sizes);
  return evaluate(model.network, { loss: softmaxCrossEntropy, batches, ...(parallel && { parallel }) });
}

/** A short part is not torn into streams that are shorter than a batch. */
function streamOf(
  tokens: TokenSource,
  part: Part,
  { batchSize, time }: { batchSize: number; time: number },
): TokenStream {
  const streams = Math.floor((part.to - part.from - 1) / time);
  return new TokenStream({ tokens, time, ...part, batchSize: Math.max(1, Math.min(batchSize, streams)) });
}

/**
 * Trains a model on the first part of a text and keeps its best epoch by the second; undefined where it was stopped.
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
