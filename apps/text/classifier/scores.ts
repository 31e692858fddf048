import {
  accuracy,
  balancedAccuracy,
  type Calibration,
  calibration,
  confusionMatrix,
  logLoss,
  macroF1,
  type McNemar,
  mcNemar,
  type ProportionInterval,
  wilsonInterval,
} from "@unfold/training";
import type { Prediction } from "./classifier.ts";

/** How well a class is recognised. */
export interface ClassScore {
  /** Texts of the class. */
  readonly texts: number;
  /** Null if no text was classified as this. */
  readonly precision: number | null;
  /** Null if there is no text of the class. */
  readonly recall: number | null;
  /** 0 if nothing is right, null if there is nothing to be right about. */
  readonly f1: number | null;
}

/** How good the predictions for labelled texts are. */
export interface Scores {
  readonly accuracy: number;
  /** Where the accuracy on more such texts is likely to be: the interval of 95 % by Wilson. */
  readonly interval: ProportionInterval;
  /** The mean of the recall of each class, which a large class cannot hide. */
  readonly balancedAccuracy: number;
  readonly macroF1: number;
  /** The mean of −ln p of the actual class, in nats. */
  readonly logLoss: number;
  readonly calibration: Calibration;
  readonly perClass: readonly ClassScore[];
  /** Row i, column j: the number of texts of class i that were classified as j. */
  readonly confusion: readonly (readonly number[])[];
}

/** Scores predictions. */
export function scoresOf(predictions: readonly Prediction[], actual: readonly number[], classes: number): Scores {
  const predicted = predictions.map(({ index }) => index);
  const right = rightOf(predictions, actual);
  const matrix = confusionMatrix(predicted, actual);
  const places = Array.from({ length: classes }, (_, index) => matrix.classes.indexOf(index));
  const confusion = places.map((row) => places.map((column) => matrix.counts[row]?.[column] ?? 0));
  // Rounding can move a softmax past 1.
  const probabilities = predictions.map(({ probabilities }) => probabilities.map((value) => Math.min(1, value)));
  return {
    accuracy: accuracy(predicted, actual),
    interval: wilsonInterval(sum(right), right.length),
    balancedAccuracy: balancedAccuracy(predicted, actual),
    macroF1: macroF1(predicted, actual),
    logLoss: logLoss(probabilities, actual),
    calibration: calibration(predicted.map((index, i) => probabilities[i]![index]!), right),
    perClass: confusion.map((row, i): ClassScore => {
      const [texts, said] = [sum(row), sum(confusion.map((other) => other[i]!))];
      const share = (part: number, of: number) => of === 0 ? null : part / of;
      return {
        texts,
        precision: share(row[i]!, said),
        recall: share(row[i]!, texts),
        f1: share(2 * row[i]!, said + texts),
      };
    }),
    confusion,
  };
}

/** Whether each prediction is right, 1 or 0. */
export function rightOf(predictions: readonly Prediction[], actual: readonly number[]): number[] {
  return predictions.map(({ index }, i) => Number(index === actual[i]));
}

/** How a classifier compares with the best baseline. */
export interface Comparison extends McNemar {
  /** The best baseline by accuracy: what it is, and its name for `--model`. */
  readonly baseline: string;
  readonly model: string;
  /** Its accuracy. */
  readonly accuracy: number;
}

/** Compares the predictions of a classifier with those of the most accurate baseline, for the same texts. */
export function compareWithBest(
  predictions: readonly Prediction[],
  baselines: readonly {
    readonly name: string;
    readonly model: string;
    readonly predictions: readonly Prediction[];
  }[],
  actual: readonly number[],
): Comparison {
  const rated = baselines.map((one) => ({ ...one, right: rightOf(one.predictions, actual) }));
  const best = rated.reduce((a, b) => sum(b.right) > sum(a.right) ? b : a);
  return {
    baseline: best.name,
    model: best.model,
    accuracy: sum(best.right) / actual.length,
    ...mcNemar(rightOf(predictions, actual), best.right),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
