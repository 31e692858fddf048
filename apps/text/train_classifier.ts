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
import { quoted } from "../shared/printable.ts";
import { Classifier, type ClassifierConfig, type TokenCounts } from "./classifier.ts";
import type { LabelledText } from "./labelled_text.ts";
import { stackOf } from "./model_file.ts";
import { buildVocabulary } from "./tokenizer.ts";
import { weightedCrossEntropy } from "./weighted_loss.ts";

/** Settings of a training run. */
export interface ClassifierSettings extends Omit<ClassifierConfig, "vocabulary" | "classes"> {
  readonly vocabulary: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly clip: number;
  /** Default: none. */
  readonly classWeights?: (typeof CLASS_WEIGHTS)[number];
  /** The fractions of the texts for choosing the epoch and for testing. */
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
}

/** How well a class is recognised. */
export interface ClassScore {
  /** Texts of the class in the training and in the test part. */
  readonly train: number;
  readonly test: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** The weights of classes in the loss: all the same, or such that all classes have the same weight in total. */
export const CLASS_WEIGHTS = ["none", "balanced"] as const;

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
  /** The mean of the recall of each class, which a large class cannot hide. */
  readonly balancedAccuracy: number;
  readonly macroF1: number;
  /** Texts, precision, recall and F₁ of each class in the test part, in the order of the classes. */
  readonly perClass: readonly ClassScore[];
  /** Tokens, unknown ones and cut texts of the training and the test part. */
  readonly tokens: { readonly train: TokenCounts; readonly test: TokenCounts };
  /** Row i, column j: the number of texts of class i that were classified as j. */
  readonly confusion: readonly (readonly number[])[];
  readonly calibration: Calibration;
}

/** Texts per batch when testing. */
const AT_ONCE = 256;

/**
 * Shuffles the texts into parts with the same share of each class, every class in every part. Identical texts go to the
 * same part.
 */
function splitTexts(
  { texts, labels, name }: LabelledText,
  { validation, test }: { validation: number; test: number },
  random: Random,
): Record<"train" | "validation" | "test", number[]> {
  const rows = Map.groupBy(texts.keys(), (row) => texts[row]!);
  const groups = [...rows.values()];
  const order = Array.from(random.permutation(groups.length), (index) => groups[index]!);
  const classes = [...Map.groupBy(order, ([row]) => labels[row!]!).values()];
  const sizes = classes.map(({ length }) => length);
  const parts = { train: [] as number[], validation: [] as number[], test: [] as number[] };
  const [tests, validations] = [apportion(sizes, test), apportion(sizes, validation)];
  classes.forEach((groups, i) => {
    const rest = groups.length - tests[i]! - validations[i]!;
    if (rest < 1) {
      throw new RangeError(
        `Cannot train on ${name}: the class ${quoted(labels[groups[0]![0]!]!)} must have more than ` +
          `${tests[i]! + validations[i]!} different texts (${validations[i]} for validation, ` +
          `${tests[i]} for testing), got ` +
          `${groups.length}; add texts, or make --validation and --test smaller`,
      );
    }
    parts.train.push(...groups.slice(0, rest).flat());
    parts.validation.push(...groups.slice(rest, rest + validations[i]!).flat());
    parts.test.push(...groups.slice(rest + validations[i]!).flat());
  });
  return parts;
}

/** A share of each of some sizes, at least 1, that add up to the share of them all (largest remainders). */
function apportion(sizes: readonly number[], share: number): number[] {
  const total = Math.round(share * sizes.reduce((a, b) => a + b, 0));
  const counts = sizes.map((size) => Math.max(1, Math.floor(share * size)));
  const left = sizes.map((size, i) => ({ i, rest: share * size - counts[i]! })).sort((a, b) => b.rest - a.rest);
  for (let sum = counts.reduce((a, b) => a + b, 0), at = 0; sum < total && at < left.length; sum++, at++) {
    counts[left[at]!.i]!++;
  }
  return counts;
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
  const { bidirectional, longest, keep = "start" } = settings;
  const config = { ...stackOf(settings), bidirectional, longest, keep, tokens, vocabulary: known, classes };
  const classifier = new Classifier(config, random);
  const targetsOf = (part: readonly number[]) => part.map((row) => classes.indexOf(data.labels[row]!));
  const batchesOf = (part: readonly number[], shuffled?: Random) =>
    new PaddedBatches({
      sequences: part.map((row) => classifier.tokensOf(data.texts[row]!)),
      targets: targetsOf(part),
      batchSize,
      ...(shuffled && { random: shuffled }),
    });
  const learned = targetsOf(rows.train);
  const counts = classes.map((_, index) => learned.filter((target) => target === index).length);
  const batches = batchesOf(rows.train, random.split());
  const fitted = await fit(classifier.network, {
    ...run,
    loss: settings.classWeights === "balanced"
      ? weightedCrossEntropy(counts.map((count) => learned.length / (classes.length * count)))
      : softmaxCrossEntropy,
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
  const most = counts.indexOf(Math.max(...counts));
  const matrix = confusionMatrix(predicted, actual);
  const at = (index: number) => matrix.classes.indexOf(index);
  const confusion = classes.map((_, i) => classes.map((_, j) => matrix.counts[at(i)]?.[at(j)] ?? 0));
  const perClass = classes.map((_, i): ClassScore => {
    const [test, said] = [sum(confusion[i]!), sum(confusion.map((row) => row[i]!))];
    const right = confusion[i]![i]!;
    const share = (of: number) => of === 0 ? 0 : right / of;
    return {
      train: counts[i]!,
      test,
      precision: share(said),
      recall: share(test),
      f1: said + test === 0 ? 0 : 2 * right / (said + test),
    };
  });
  const textsOf = (part: readonly number[]) => part.map((row) => data.texts[row]!);
  return {
    classifier,
    parts: { train: rows.train.length, validation: rows.validation.length, test: rows.test.length },
    bestEpoch: fitted.bestEpoch,
    history: fitted.history,
    accuracy: accuracy(predicted, actual),
    majority: { label: classes[most]!, accuracy: accuracy(actual.map(() => most), actual) },
    macroF1: macroF1(predicted, actual),
    balancedAccuracy: sum(perClass.map(({ recall }) => recall)) / classes.length,
    perClass,
    tokens: { train: classifier.count(textsOf(rows.train)), test: classifier.count(textsOf(rows.test)) },
    confusion,
    calibration: calibration(
      predictions.map(({ probabilities, index }) => Math.min(1, probabilities[index]!)),
      predicted.map((index, i) => Number(index === actual[i])),
    ),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
