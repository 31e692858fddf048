import { Random } from "@unfold/core";
import { softmaxCrossEntropy } from "@unfold/layers";
import {
  accuracy,
  type Calibration,
  calibration,
  confusionMatrix,
  type EpochLosses,
  macroF1,
  PaddedBatches,
} from "@unfold/training";
import { fit, type FitRun } from "../shared/fit.ts";
import { Classifier, type ClassifierConfig } from "./classifier.ts";
import type { LabelledText } from "./labelled_text.ts";
import { stackOf } from "./model_file.ts";
import { buildVocabulary } from "./tokenizer.ts";

/** Settings of a training run. */
export interface ClassifierSettings extends Omit<ClassifierConfig, "vocabulary" | "classes"> {
  readonly vocabulary: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly clip: number;
  /** The fractions of the texts for choosing the epoch and for testing. */
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
}

/** The result of a training run. */
export interface ClassifierResult {
  readonly classifier: Classifier;
  /** The number of texts in each part. */
  readonly parts: { readonly train: number; readonly validation: number; readonly test: number };
  readonly bestEpoch: number;
  readonly history: readonly EpochLosses[];
  /** The accuracy on the test part. */
  readonly accuracy: number;
  /** The accuracy of always predicting the most frequent class of the training part. */
  readonly majority: { readonly label: string; readonly accuracy: number };
  readonly macroF1: number;
  /** Row i, column j: the number of texts of class i that were classified as j. */
  readonly confusion: readonly (readonly number[])[];
  readonly calibration: Calibration;
}

/** Texts per batch when testing. */
const AT_ONCE = 256;

/** Shuffles the texts into parts. Identical texts go to the same part. */
function splitTexts(
  { texts, name }: LabelledText,
  { validation, test }: { validation: number; test: number },
  random: Random,
): Record<"train" | "validation" | "test", number[]> {
  const rows = Map.groupBy(texts.keys(), (row) => texts[row]!);
  const groups = [...rows.values()];
  const order = Array.from(random.permutation(groups.length), (index) => groups[index]!);
  const [testCount, validationCount] = [test, validation].map((share) =>
    Math.max(1, Math.round(groups.length * share))
  );
  const rest = groups.length - testCount! - validationCount!;
  if (rest < 1) {
    throw new RangeError(
      `Cannot train on ${name}: it must have more than ${validationCount! + testCount!} different texts ` +
        `(${validationCount} for validation, ${testCount} for testing), got ${groups.length}`,
    );
  }
  return {
    train: order.slice(0, rest).flat(),
    validation: order.slice(rest, rest + validationCount!).flat(),
    test: order.slice(rest + validationCount!).flat(),
  };
}

/** Trains a classifier, keeps its best epoch, and tests it. Returns undefined if the run was stopped. */
export async function trainClassifier(
  data: LabelledText,
  settings: ClassifierSettings,
  run: FitRun,
): Promise<ClassifierResult | undefined> {
  const { batchSize, epochs, clip, seed, tokens, vocabulary } = settings;
  const random = new Random(seed);
  const rows = splitTexts(data, settings, random);
  const classes = [...new Set(data.labels)].sort();
  const known = buildVocabulary(tokens, rows.train.map((row) => data.texts[row]!), vocabulary);
  const { bidirectional, longest } = settings;
  const config = { ...stackOf(settings), bidirectional, longest, tokens, vocabulary: known, classes };
  const classifier = new Classifier(config, random);
  const targetsOf = (part: readonly number[]) => part.map((row) => classes.indexOf(data.labels[row]!));
  const batchesOf = (part: readonly number[], shuffled?: Random) =>
    new PaddedBatches({
      sequences: part.map((row) => classifier.tokensOf(data.texts[row]!)),
      targets: targetsOf(part),
      batchSize,
      ...(shuffled && { random: shuffled }),
    });
  const batches = batchesOf(rows.train, random.split());
  const fitted = await fit(classifier.network, {
    ...run,
    loss: softmaxCrossEntropy,
    batches,
    batchesPerEpoch: batches.length,
    validation: batchesOf(rows.validation),
    epochs,
    learningRate: settings.learningRate,
    clip,
    random,
  });
  if (fitted === undefined) return undefined;

  const predictions = [];
  for (let i = 0; i < rows.test.length; i += AT_ONCE) {
    predictions.push(...classifier.predict(rows.test.slice(i, i + AT_ONCE).map((row) => data.texts[row]!)));
  }
  const [predicted, actual] = [predictions.map(({ index }) => index), targetsOf(rows.test)];
  const learned = targetsOf(rows.train);
  const counts = classes.map((_, index) => learned.filter((target) => target === index).length);
  const most = counts.indexOf(Math.max(...counts));
  const matrix = confusionMatrix(predicted, actual);
  const at = (index: number) => matrix.classes.indexOf(index);
  return {
    classifier,
    parts: { train: rows.train.length, validation: rows.validation.length, test: rows.test.length },
    bestEpoch: fitted.bestEpoch,
    history: fitted.history,
    accuracy: accuracy(predicted, actual),
    majority: { label: classes[most]!, accuracy: accuracy(actual.map(() => most), actual) },
    macroF1: macroF1(predicted, actual),
    confusion: classes.map((_, i) => classes.map((_, j) => matrix.counts[at(i)]?.[at(j)] ?? 0)),
    calibration: calibration(
      predictions.map(({ probabilities, index }) => Math.min(1, probabilities[index]!)),
      predicted.map((index, i) => Number(index === actual[i])),
    ),
  };
}
