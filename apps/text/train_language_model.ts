import { Random } from "@unfold/core";
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

/** How to run a training run. */
interface TrainRun extends Omit<FitRun, "onEvent"> {
  /** Makes the consumer of the events, given the number of epochs. */
  readonly onEvent: (epochs: number) => Consumer;
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
