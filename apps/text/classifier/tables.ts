import { percent, type Score, scoreText } from "../../shared/format.ts";
import type { Rated } from "./train.ts";
import type { Comparison, Scores } from "./scores.ts";

/** A table: titles, and cells row by row. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Classes of which the whole confusion matrix is shown. */
const MOST_COLUMNS = 30;

const inThousandths = (score: Score) => scoreText(score, (value) => value.toFixed(3));

/** The scores of classifiers, one row each. */
export function scoresTable(rated: readonly Pick<Rated, "name" | "scores">[]): Table {
  return {
    head: ["", "accuracy", "95 % interval", "balanced", "macro F1", "log loss", "calibration error"],
    rows: rated.map(({ name, scores }) => {
      const { accuracy, interval: { low, high }, balancedAccuracy, macroF1, logLoss, calibration } = scores;
      return [
        name,
        percent(accuracy),
        `${percent(low)} to ${percent(high)}`,
        percent(balancedAccuracy),
        macroF1.toFixed(3),
        logLoss.toFixed(3),
        percent(calibration.error),
      ];
    }),
  };
}

/** How well each class is recognised: by one classifier in detail, by the others in F₁. */
export function classTable(
  classes: readonly string[],
  [first, ...others]: readonly Pick<Rated, "name" | "model" | "scores">[],
  learned?: readonly number[],
): Table {
  return {
    head: [
      "class",
      ...learned === undefined ? [] : ["training texts"],
      "texts",
      "precision",
      "recall",
      "F1",
      ...others.map(({ model }) => `F1, ${model}`),
    ],
    rows: classes.map((label, i) => {
      const { texts, precision, recall, f1 } = first!.scores.perClass[i]!;
      return [
        label,
        ...learned === undefined ? [] : [String(learned[i])],
        String(texts),
        percent(precision),
        percent(recall),
        inThousandths(f1),
        ...others.map(({ scores }) => inThousandths(scores.perClass[i]!.f1)),
      ];
    }),
  };
}

/** How often predictions of a given confidence are right. */
export function calibrationTable({ calibration }: Scores): Table {
  return {
    head: ["confidence", "texts", "mean confidence", "accuracy"],
    rows: calibration.bins.filter(({ count }) => count > 0).map(({ from, to, count, confidence, accuracy }) => [
      `${percent(from)} to ${percent(to)}`,
      String(count),
      percent(confidence),
      percent(accuracy),
    ]),
  };
}

/** The confusion matrix, or with many classes only the pairs that are confused most often. */
export function confusionTable(classes: readonly string[], { confusion }: Scores): Table {
  if (classes.length <= MOST_COLUMNS) {
    return {
      head: ["actual \\ predicted", ...classes],
      rows: classes.map((label, i) => [label, ...confusion[i]!.map(String)]),
    };
  }
  const pairs = confusion.flatMap((row, i) => row.map((count, j) => ({ i, j, count })))
    .filter(({ i, j, count }) => i !== j && count > 0).sort((a, b) => b.count - a.count).slice(0, MOST_COLUMNS);
  return {
    head: ["actual", "predicted", "texts"],
    rows: pairs.map(({ i, j, count }) => [classes[i]!, classes[j]!, String(count)]),
  };
}

/** Differences with a smaller p-value are not taken for luck. */
const SIGNIFICANT = 0.05;

/** Whether a network is worth it, in words. */
export function verdict(scores: Pick<Scores, "accuracy">, comparison: Comparison): string {
  const { baseline, model, p } = comparison;
  const { difference, test } = described(scores, comparison, { subject: "network", other: "baseline" });
  const instead = model === "majority" ? "" : ` --model ${model} trains and saves that one.`;
  if (p >= SIGNIFICANT) {
    return `The network is not shown to be worth it: it is ${difference} the best baseline, ${baseline}, and that may be luck ` +
      `(${test}).${instead}`;
  }
  return scores.accuracy > comparison.accuracy
    ? `The network is worth it: it is ${difference} the best baseline, ${baseline} (${test}).`
    : `The network is not worth it: it is ${difference} the best baseline, ${baseline} (${test}).${instead}`;
}

/** How the first of several classifiers compares with the best of the others, in words. */
export function comparisonText(scores: Pick<Scores, "accuracy">, comparison: Comparison): string {
  const { difference, test } = described(scores, comparison, { subject: "first", other: "other" });
  const luck = comparison.p < SIGNIFICANT ? "" : ", and that may be luck";
  return `The first classifier is ${difference} the best of the others, ${comparison.baseline}${luck} (${test}).`;
}

function described(
  { accuracy }: Pick<Scores, "accuracy">,
  { accuracy: theirs, onlyFirst, onlySecond, p }: Comparison,
  { subject, other }: { readonly subject: string; readonly other: string },
): { readonly difference: string; readonly test: string } {
  const points = `${(100 * Math.abs(accuracy - theirs)).toFixed(1)} points`;
  return {
    difference: accuracy === theirs
      ? "just as accurate as"
      : `${points} ${accuracy > theirs ? "more" : "less"} accurate than`,
    test: `McNemar's test: ${onlyFirst} texts right by the ${subject} alone, ${onlySecond} by the ${other} alone, p ` +
      (p < 0.001 ? "< 0.001" : `= ${p.toFixed(3)}`),
  };
}
