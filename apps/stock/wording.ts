import { formatNumber, NONE, percent, scoreText } from "../shared/format.ts";
import { type Spread, spreadOf } from "../shared/search.ts";
import type { FoldResult } from "./backtest.ts";
import type { Outlook } from "./forecaster.ts";
import { type Direction, MODEL, referenceOf, type Score } from "./judge.ts";
import { DAILY, type Rhythm, stepName, stepsOf } from "./rhythm.ts";
import { type TargetName, targetOf } from "./targets.ts";

type Scores = Readonly<Record<string, Score>>;
type Labels = Readonly<Record<string, string>>;

/** The significance level of comparisons. */
export const SIGNIFICANT = 0.05;

/** A value of a target with its unit. */
function quantity(target: TargetName, rhythm: Rhythm, value: number): string {
  if (target === "direction") return percent(value);
  return target === "volatility" ? `${formatNumber(value)} ${targetOf(target, rhythm).unit}` : formatNumber(value);
}

/** Mean ± standard deviation as percentages, the latter with two significant digits. */
export function percentSpread({ mean, deviation }: Spread): string {
  const spread = deviation === undefined
    ? ""
    : ` ± ${scoreText(100 * deviation, (value) => `${Number(value.toPrecision(2))}`)}`;
  return `${percent(mean, 2)}${spread}`;
}

/** Whether the model is significantly better than the reference. */
export function isBetter(scores: Scores): boolean {
  const { comparison } = scores[referenceOf(scores)]!;
  return scores[MODEL]!.skill > 0 && (comparison?.pValue ?? 1) < SIGNIFICANT;
}

/** The model itself has nothing to be compared with. */
function pValue({ comparison }: Score): string {
  return comparison === undefined ? "" : comparison === null ? NONE : comparison.pValue.toPrecision(2);
}

/** A forecast's label without the part in brackets, for table heads. */
export function shortName(labels: Labels, name: string): string {
  return labels[name]!.replace(/ \(.*/, "");
}

/** A forecast's name in a sentence. */
export function nameInText(labels: Labels, name: string): string {
  const short = shortName(labels, name);
  return short === "naive" ? "the naive forecast" : ["mean", "base rate"].includes(short) ? `the ${short}` : short;
}

/** The title of a run. */
export function titleOf({ data, settings }: {
  readonly data: { readonly source: string; readonly rhythm?: Rhythm };
  readonly settings: { readonly target: TargetName; readonly horizon: number; readonly model: string };
}): string {
  const { target, horizon, model } = settings;
  return `${data.source.split("/").at(-1)}: ${targetOf(target, data.rhythm).title(horizon)}, forecast by ${model}`;
}

/** The name of a target's mean squared error. */
export function errorName(target: TargetName): string {
  return target === "direction" ? "Brier" : "MSE";
}

/** The head of a table of scores. */
export function scoreHead(target: TargetName, horizon: number, reference: string, rhythm = DAILY): string[] {
  return [
    targetOf(target, rhythm).title(horizon),
    errorName(target),
    "MAE",
    "RMSE",
    "R²",
    `skill vs ${reference}`,
    "p vs model",
  ];
}

/** A row of a table of scores. */
export function scoreRow(label: string, score: Score): string[] {
  return [
    label,
    formatNumber(score.mse),
    formatNumber(score.mae),
    formatNumber(score.rmse),
    scoreText(score.r2, (value) => value.toFixed(5)),
    percent(score.skill, 2),
    pValue(score),
  ];
}

/** Whether the model beats the reference, and which baselines beat the model. */
export function verdict(target: TargetName, scores: Scores, labels: Labels, rhythm = DAILY): string {
  const better = betterBaselines(scores).map((name) => shortName(labels, name));
  const conclusion = compareWithReference(target, scores, labels, rhythm);
  return better.length === 0 ? conclusion : `Better than the model: ${better.join(", ")}.\n${conclusion}`;
}

/** The baselines, without the reference, that have a smaller error than the model. */
function betterBaselines(scores: Scores): string[] {
  const reference = referenceOf(scores);
  return Object.keys(scores).filter((name) => name !== reference && scores[name]!.mse < scores[MODEL]!.mse);
}

function compareWithReference(target: TargetName, scores: Scores, labels: Labels, rhythm: Rhythm): string {
  const reference = referenceOf(scores);
  const name = nameInText(labels, reference);
  const { skill } = scores[MODEL]!;
  if (skill <= 0) {
    const isBest = Object.values(scores).every(({ mse }) => mse >= scores[reference]!.mse);
    const step = stepName(rhythm);
    const last = step === "day" ? "today's price" : `this ${step}'s price`;
    const consequence = targetOf(target).isPath && isBest ? `: ${last} is the best forecast` : "";
    return `The model does not beat ${name}${consequence}.`;
  }
  const { comparison } = scores[reference]!;
  const smaller = `The model's mean squared error is ${percent(skill, 2)} smaller than that of ${name}`;
  if (!comparison) {
    return `${smaller}, but the error differences do not vary, so there is no significance test.`;
  }
  const p = `Diebold-Mariano test, p = ${comparison.pValue.toPrecision(2)}`;
  return `${smaller}, ${isBetter(scores) ? "and the difference is" : "but the difference is not"} significant (${p}).`;
}

/** How often the direction was right, compared with always saying the more frequent one. */
export function directionLine(
  target: TargetName,
  { accuracy, low, high, alwaysUp }: Direction,
  rhythm = DAILY,
): string {
  const days = `${stepName(rhythm)}s`;
  // A price can also stay the same. That counts as "not up" for the direction, and is skipped for the price.
  const [counted, up, down] = target === "direction"
    ? [`the test ${days}`, "up", "not up"]
    : [`the ${days} with a price change`, "up", "down"];
  // The better of the two constant guesses.
  const [word, share] = alwaysUp >= 0.5 ? [up, alwaysUp] : [down, 1 - alwaysUp];
  const interval = `95 % confidence interval ${percent(low)} to ${percent(high)}`;
  return `Direction: right on ${percent(accuracy)} of ${counted} (${interval}); ` +
    `always saying "${word}" is right on ${percent(share)}.`;
}

/** How often the interval was right. */
export function intervalLine(
  { coverage, held }: { readonly coverage: number; readonly held: number },
  rhythm = DAILY,
): string {
  const interval = `The ${percent(coverage, 0)} prediction interval`;
  return `${interval} contained the actual value on ${percent(held)} of the test ${stepName(rhythm)}s.`;
}

/** The forecast made on the last day, one line per step ahead with its date. */
export function outlookLines({ target: name, horizon, rhythm, after, close, steps }: Outlook): string {
  const target = targetOf(name, rhythm);
  const lines = steps.map(({ ahead, date, value, interval }) => {
    // Steps that have no dates need no second number.
    const on = date.startsWith("step ") ? date : `in ${stepsOf(rhythm, ahead)} (${date})`;
    const what = target.isPath ? on : `${target.title(horizon)} (to ${date})`;
    const line = `  ${what}: ${quantity(name, rhythm, value)}`;
    if (interval === undefined) return line;
    const [low, high] = [formatNumber(interval.low), quantity(name, rhythm, interval.high)];
    return `${line} (${percent(interval.coverage, 0)} interval ${low} to ${high})`;
  });
  return [`Forecast after ${after} (close ${formatNumber(close)}):`, ...lines].join("\n");
}

/** The folds of a back-test as a table: one row per fold, mean and standard deviation in the last row. */
export function foldTable(target: TargetName, folds: readonly FoldResult[]): { head: string[]; rows: string[][] } {
  const [{ scores, labels }] = folds as [FoldResult];
  // Other folds may have another reference. The table uses that of the first fold for all.
  const reference = referenceOf(scores);
  const others = Object.keys(scores).filter((name) => name !== MODEL && name !== reference);
  const skillOf = (fold: FoldResult, name: string) => 1 - fold.scores[name]!.mse / fold.scores[reference]!.mse;
  const spread = (name: string) => percentSpread(spreadOf(folds.map((fold) => skillOf(fold, name))));
  const short = (name: string) => shortName(labels, name);
  const error = errorName(target);
  return {
    head: [
      "fold",
      `${error} of the model`,
      `${error} of ${short(reference)}`,
      "skill",
      "p",
      ...others.map((name) => `skill of ${short(name)}`),
    ],
    rows: [
      ...folds.map((fold) => [
        `${fold.from} to ${fold.to}`,
        formatNumber(fold.scores[MODEL]!.mse),
        formatNumber(fold.scores[reference]!.mse),
        percent(skillOf(fold, MODEL), 2),
        pValue(fold.scores[reference]!),
        ...others.map((name) => percent(skillOf(fold, name), 2)),
      ]),
      ["mean ± std. dev.", "", "", spread(MODEL), "", ...others.map(spread)],
    ],
  };
}

/** In how many folds the model beats the reference, and in how many of them significantly. */
export function foldVerdict(folds: readonly FoldResult[]): string {
  const better = folds.filter(({ scores }) => scores[MODEL]!.skill > 0).length;
  const significant = folds.filter(({ scores }) => isBetter(scores)).length;
  const names = new Set(folds.map(({ scores, labels }) => nameInText(labels, referenceOf(scores))));
  return `The model beats ${[...names].join(" or ")} in ${better} of ${folds.length} folds, ` +
    `in ${significant} of them significantly (p < ${SIGNIFICANT}).`;
}
