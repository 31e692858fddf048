import { Random } from "@unfold/core";
import { checkSameOnRanks, single } from "@unfold/distributed";
import { softmaxCrossEntropy } from "@unfold/layers";
import { type EpochLosses, PaddedBatches } from "@unfold/training";
import { fit, type FitRun } from "../../shared/fit.ts";
import { checkMemory } from "../../shared/memory.ts";
import { stackOf } from "../model_file.ts";
import { balancedWeights, type Labelled, majorityPredictions, trainLogistic, trainNaiveBayes } from "./baselines.ts";
import { Classifier, type Keep, type ModelName, type Prediction, type TokenCounts } from "./classifier.ts";
import type { LabelledText } from "./labelled_text.ts";
import { type EncoderConfig, encoderSizes } from "./network.ts";
import { compareWithBest, type Comparison, type Scores, scoresOf } from "./scores.ts";
import { splitTexts } from "./split.ts";
import { buildVocabulary, ClassifierTokenizer, type ClassifierTokens } from "./tokens.ts";
import { weightedCrossEntropy } from "./weighted_loss.ts";

/** The weights of classes: all the same, or such that all classes have the same weight in total. */
export const CLASS_WEIGHTS = ["none", "balanced"] as const;

/** Settings of a training run. */
export interface ClassifierSettings extends EncoderConfig {
  /** The classifier to train and save. The baselines are fitted anyway. */
  readonly model: ModelName;
  readonly tokens: ClassifierTokens;
  /** The most tokens in the vocabulary. */
  readonly vocabulary: number;
  /** The most tokens that the network reads at once, and what is done with longer texts. */
  readonly longest: number;
  readonly keep: Keep;
  readonly batchSize: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly clip: number;
  readonly classWeights: (typeof CLASS_WEIGHTS)[number];
  /** The fractions of the texts for choosing the epoch and for testing. */
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
}

/** A classifier, and how good it is on the test part. */
export interface Rated {
  readonly model: ModelName | "majority";
  /** What it is, in words. */
  readonly name: string;
  readonly scores: Scores;
}

/** How a network was trained. */
export interface TrainingCurve {
  readonly bestEpoch: number;
  readonly history: readonly EpochLosses[];
}

/** The result of a training run. */
export interface ClassifierResult {
  /** The classifier of {@linkcode ClassifierSettings.model}. */
  readonly classifier: Classifier;
  /** The number of texts in each part. */
  readonly parts: Readonly<Record<"train" | "validation" | "test", number>>;
  /** The training texts of each class. */
  readonly learned: readonly number[];
  /** The classifier, unless it is a baseline, and the baselines. */
  readonly rated: readonly Rated[];
  /** The network against the best baseline. */
  readonly comparison?: Comparison;
  readonly training?: TrainingCurve;
  /** C of logistic regression. */
  readonly strength: number;
  /** Tokens, unknown ones and texts that are not read whole, in the training and the test part. */
  readonly tokens: Readonly<Record<"train" | "test", TokenCounts>>;
}

/** Trains a classifier and the baselines, and tests them. Returns undefined if the run was stopped. */
export async function trainClassifier(
  data: LabelledText,
  settings: ClassifierSettings,
  run: FitRun,
): Promise<ClassifierResult | undefined> {
  const { communicator = single() } = run;
  const { texts, labels } = data;
  await checkSameOnRanks(communicator, { settings: { ...settings }, data: { texts, labels } });
  const random = new Random(settings.seed);
  const rows = splitTexts(data, settings, random);
  const classes = [...new Set(labels)].sort();
  const vocabulary = buildVocabulary(settings.tokens, rows.train.map((row) => texts[row]!), settings.vocabulary);
  const tokenizer = new ClassifierTokenizer(settings.tokens, vocabulary);
  const partOf = (part: readonly number[]): Labelled => ({
    texts: part.map((row) => tokenizer.encode(texts[row]!)),
    targets: part.map((row) => classes.indexOf(labels[row]!)),
  });
  const [train, validation, test] = [partOf(rows.train), partOf(rows.validation), partOf(rows.test)];

  const shared = { tokens: settings.tokens, vocabulary, classes };
  const options = { ...shared, balanced: settings.classWeights === "balanced" };
  const both = { texts: [...train.texts, ...validation.texts], targets: [...train.targets, ...validation.targets] };
  const { classifier: logistic, strength } = trainLogistic({ train, validation }, options);
  const baselines = [logistic, trainNaiveBayes(both, options)];
  const predicted: { model: Rated["model"]; name: string; predictions: readonly Prediction[] }[] = [
    ...baselines.map((one) => ({
      model: one.config.model,
      name: one.name,
      predictions: one.predictTokens(test.texts),
    })),
    {
      model: "majority",
      name: "the most frequent class",
      predictions: majorityPredictions(both.targets, { classes, count: test.texts.length }),
    },
  ];

  let classifier = baselines.find(({ config }) => config.model === settings.model);
  let training: TrainingCurve | undefined;
  let comparison: Comparison | undefined;
  if (classifier === undefined) {
    const fitted = await trainNetwork({ train, validation }, settings, { ...shared, random, run });
    if (fitted === undefined) return undefined;
    ({ classifier, ...training } = fitted);
    const predictions = classifier.predictTokens(test.texts);
    comparison = compareWithBest(predictions, predicted, test.targets);
    predicted.unshift({ model: settings.model, name: classifier.name, predictions });
  }
  return {
    classifier,
    parts: { train: rows.train.length, validation: rows.validation.length, test: rows.test.length },
    learned: classes.map((_, index) => train.targets.filter((target) => target === index).length),
    rated: predicted.map(({ predictions, ...one }) => ({
      ...one,
      scores: scoresOf(predictions, test.targets, classes.length),
    })),
    ...(comparison && { comparison }),
    ...(training && { training }),
    strength,
    tokens: { train: classifier.countTokens(train.texts), test: classifier.countTokens(test.texts) },
  };
}

/** Trains a network and keeps its best epoch. Returns undefined if the run was stopped. */
async function trainNetwork(
  { train, validation }: { readonly train: Labelled; readonly validation: Labelled },
  settings: ClassifierSettings,
  { random, run, ...shared }: {
    readonly tokens: ClassifierTokens;
    readonly vocabulary: readonly string[];
    readonly classes: readonly string[];
    readonly random: Random;
    readonly run: FitRun;
  },
): Promise<(TrainingCurve & { readonly classifier: Classifier }) | undefined> {
  const { bidirectional, pools, embeddingDropout, wordDropout, longest, keep, epochs, learningRate, clip } = settings;
  const encoder = { ...stackOf(settings), bidirectional, pools, embeddingDropout, wordDropout };
  const config = { model: "network", ...shared, limit: { longest, keep }, encoder } as const;
  const { size } = new ClassifierTokenizer(shared.tokens, shared.vocabulary);
  const lengths = [train, validation].flatMap(({ texts }) => texts.map(({ length }) => Math.min(longest, length)));
  const batchSize = Math.min(settings.batchSize, train.texts.length);
  const batch = { batch: batchSize, time: lengths.reduce((a, b) => Math.max(a, b)) };
  checkMemory(encoderSizes(encoder, { vocabulary: size, classes: shared.classes.length, ...batch }), {
    lower: "--hidden, --layers, --vocabulary, --batch-size or --max-tokens",
    communicator: run.communicator ?? single(),
  });
  const classifier = new Classifier(config, random);
  const batchesOf = ({ texts, targets }: Labelled, shuffled?: Random) => {
    const pieces = texts.map((text) => classifier.piecesOf(text));
    return new PaddedBatches({
      sequences: pieces.flat(),
      targets: pieces.flatMap(({ length }, i) => new Array<number>(length).fill(targets[i]!)),
      batchSize,
      ...(shuffled && { random: shuffled }),
    });
  };
  const batches = batchesOf(train, random.split());
  const fitted = await fit(classifier.network, {
    ...run,
    loss: settings.classWeights === "balanced"
      ? weightedCrossEntropy(balancedWeights(train.targets, shared.classes.length))
      : softmaxCrossEntropy,
    batches,
    batchesPerEpoch: batches.length,
    validation: batchesOf(validation),
    epochs,
    learningRate,
    clip,
    random,
  });
  return fitted && { classifier, bestEpoch: fitted.bestEpoch, history: fitted.history };
}
