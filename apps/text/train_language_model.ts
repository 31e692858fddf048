import { Random } from "@unfold/core";
import { checkSameOnRanks, single } from "@unfold/distributed";
import { softmaxCrossEntropy } from "@unfold/layers";
import {
  type Consumer,
  type EpochLosses,
  evaluate,
  type Parallel,
  type Part,
  type TokenSource,
  TokenStream,
} from "@unfold/training";
import { fit, type FitRun } from "../shared/fit.ts";
import { checkMemory } from "../shared/memory.ts";
import { LanguageModel, type LanguageModelConfig, languageSizes } from "./language_model.ts";

/** Settings of a training run, without the model's configuration. */
export interface LanguageSettings {
  readonly batchSize: number;
  /** Time steps per batch: gradients go back this far (truncated backpropagation through time). */
  readonly time: number;
  readonly epochs: number;
  /** The maximum number of steps. The last one may be within an epoch. */
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

/** How to run a training run. */
interface TrainRun extends Omit<FitRun, "onEvent"> {
  /** Makes the consumer of the events, given the number of epochs. */
  readonly onEvent: (epochs: number) => Consumer;
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

/** The streams that a part is read in: of a short part fewer, so that each has at least `time` tokens. */
export function streamsOf({ from, to }: Part, { batchSize, time }: { batchSize: number; time: number }): number {
  return Math.max(1, Math.min(batchSize, Math.floor((to - from - 1) / time)));
}

/** Batches of a part. */
function streamOf(tokens: TokenSource, part: Part, sizes: { batchSize: number; time: number }): TokenStream {
  return new TokenStream({ tokens, time: sizes.time, ...part, batchSize: streamsOf(part, sizes) });
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
  const { communicator = single(), config: { textHash } = {} } = run;
  const { vocabulary } = config;
  await checkSameOnRanks(communicator, { settings: { ...settings }, data: { vocabulary, text: textHash } });
  checkMemory(languageSizes(config, { batch: batchSize, time }), {
    lower: "--hidden, --layers, --vocabulary, --batch-size or --time",
    communicator,
  });
  const random = new Random(seed);
  const model = new LanguageModel(config, random);
  const batches = new TokenStream({ tokens, batchSize, time, ...parts.train });
  const { length } = batches;
  const fitted = await fit(model.network, {
    ...run,
    onEvent: run.onEvent(Math.min(epochs, Math.ceil((settings.steps ?? Infinity) / length))),
    loss: softmaxCrossEntropy,
    batches,
    batchesPerEpoch: length,
    validation: streamOf(tokens, parts.validation, settings),
    epochs,
    steps: settings.steps,
    learningRate: settings.learningRate,
    clip,
    random,
  });
  if (fitted === undefined) return undefined;
  const { parallel, validationLoss, history, bestEpoch, steps } = fitted;
  return {
    model,
    validationLoss,
    testLoss: parts.test && await lossOn(model, tokens, parts.test, { batchSize, time, parallel }),
    history,
    bestEpoch,
    steps,
  };
}
