import { formatNumber } from "../shared/format.ts";
import { type FoldResult, type Spread, spreadOf } from "./backtest.ts";
import type { Outlook } from "./forecaster.ts";
import { type Direction, MODEL, referenceOf, type Score } from "./judge.ts";
import { type TargetName, TARGETS } from "./targets.ts";

/** Differences that come by chance less often than this are more than luck. */
export const SIGNIFICANT = 0.05;

/** A fraction as percent. */
export function percent(fraction: number, digits = 1): string {
  return `${(100 * fraction).toFixed(digits)} %`;
}

/** A number of a target with its unit. */
function quantity(target: TargetName, value: number): string {
  if (target === "direction") return percent(value);
  return target === "volatility" ? `${formatNumber(value)} % a year` : formatNumber(value);
}

/** Mean and spread as percent, the spread with two digits. */
export function percentSpread({ mean, deviation }: Spread): string {
  const spread = deviation === undefined ? "" : ` ± ${Number((100 * deviation).toPrecision(2))}`;
  return `${percent(mean, 2)}${spread}`;
}

/** Whether the model is better than the reference by more than luck explains. */
export function isBetter(scores: Readonly<Record<string, Score>>): boolean {
  const { comparison } = scores[referenceOf(scores)]!;
  return scores[MODEL]!.skill > 0 && comparison !== undefined && comparison.pValue < SIGNIFICANT;
}

/** How probable so large a difference of errors is where there is none. */
function pValue(score: Score): string {
  return score.comparison === undefined ? "" : score.comparison.pValue.toPrecision(2);
}

/** What tables call a forecast, without what stands there in brackets. */
export function shortName(labels: Readonly<Record<string, string>>, name: string): string {
  return labels[name]!.replace(/ \(.*/, "");
}

/** What a run was about. */
export function titleOf({ data, settings }: {
  readonly data: { readonly source: string };
  readonly settings: { readonly target: TargetName; readonly horizon: number; readonly model: string };
}): string {
  const { target, horizon, model } = settings;
  return `${data.source.split("/").at(-1)}: ${TARGETS[target].title(horizon)}, forecast by ${model}`;
}

/** What the mean squared error of a target is called. */
export function errorName(target: TargetName): string {
  return target === "direction" ? "Brier" : "MSE";
}

/** What a table of scores is headed by. */
export function scoreHead(target: TargetName, horizon: number, reference: string): string[] {
  return [
    TARGETS[target].title(horizon),
    errorName(target),
    "MAE",
    "RMSE",
    "R²",
    `skill vs ${reference}`,
    "p vs model",
  ];
}

/** A row of such a table. */
export function scoreRow(label: string, score: Score): string[] {
  return [
    label,
    formatNumber(score.mse),
    formatNumber(score.mae),
    formatNumber(score.rmse),
    Number.isNaN(score.r2) || score.r2 === null ? "—" : score.r2.toFixed(5),
    percent(score.skill, 2),
    pValue(score),
  ];
}

/** Whether the model is better than the reference, in plain words; and which baseline is better than the model. */
export function verdict(
  target: TargetName,
  scores: Readonly<Record<string, Score>>,
  labels: Readonly<Record<string, string>>,
): string {
  const model = scores[MODEL]!;
  const reference = referenceOf(scores);
  const named = shortName(labels, reference);
  const { comparison } = scores[reference]!;
  const better = `The model's squared error is ${
    percent(model.skill, 2)
  } smaller than that of ${named} on this test period`;
  const p = comparison && `Diebold-Mariano, p = ${comparison.pValue.toPrecision(2)}`;
  const ahead = Object.keys(scores).filter((name) => name !== reference && scores[name]!.mse < model.mse);
  const isBest = Object.values(scores).every(({ mse }) => mse >= scores[reference]!.mse);
  const consequence = target === "price" && isBest ? ": the price is best guessed as today's" : "";
  const verdict = model.skill <= 0
    ? `The model does not beat ${named}${consequence}.`
    : comparison === undefined
    ? `${better}; they differ so evenly that there is no telling whether that is luck.`
    : isBetter(scores)
    ? `${better}, by more than luck explains (${p}).`
    : `${better}; that can be luck (${p}).`;
  if (ahead.length === 0) return verdict;
  return `Smaller errors than the model's: ${ahead.map((name) => shortName(labels, name)).join(", ")}.\n${verdict}`;
}

/** How often the direction was right, beside what needs no forecast. A price may stay as it is, which is no rise. */
export function directionLine(target: TargetName, { accuracy, low, high, alwaysUp }: Direction): string {
  const [what, days, up, down] = target === "direction"
    ? ["A rise or none", "the days", "a rise", "none"]
    : ["Up or down", "the days that it moved", "up", "down"];
  // What is more frequent is the better of the two guesses.
  const [word, share] = alwaysUp >= 0.5 ? [up, alwaysUp] : [down, 1 - alwaysUp];
  return `${what}: right on ${percent(accuracy)} of ${days} (95 % interval ${percent(low)} to ${percent(high)}); ` +
    `"${word}" every time is right on ${percent(share)}.`;
}

/** What is to be expected, a line each day ahead. */
export function outlookLines({ target, horizon, after, close, steps }: Outlook): string {
  const what = TARGETS[target].title(horizon);
  const lines = steps.map(({ ahead, value, interval }) => {
    const ends = interval === undefined
      ? ""
      : `, ${percent(interval.coverage, 0)} interval ${quantity(target, interval.low)} to ${
        quantity(target, interval.high)
      }`;
    const name = target === "price" ? `in ${ahead} day${ahead === 1 ? "" : "s"}` : what;
    return `  ${name}: ${quantity(target, value)}${ends}`;
  });
  return [`After ${after} (close ${formatNumber(close)}):`, ...lines].join("\n");
}

/** The folds as a table: a row each, mean and spread below. */
export function foldTable(target: TargetName, folds: readonly FoldResult[]): { head: string[]; rows: string[][] } {
  const [{ scores, labels }] = folds as [FoldResult];
  // In other folds another one may come first; the table has one order.
  const reference = referenceOf(scores);
  const others = Object.keys(scores).filter((name) => name !== MODEL && name !== reference);
  const skillOf = (fold: FoldResult, name: string) => 1 - fold.scores[name]!.mse / fold.scores[reference]!.mse;
  const spread = (name: string) => percentSpread(spreadOf(folds.map((fold) => skillOf(fold, name))));
  const short = (name: string) => shortName(labels, name);
  return {
    head: [
      "fold",
      `${errorName(target)} of the model`,
      `of ${short(reference)}`,
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
      ["mean ± spread", "", "", spread(MODEL), "", ...others.map(spread)],
    ],
  };
}

/** In how many folds the model is better than what needs no network, in plain words. */
export function foldVerdict(folds: readonly FoldResult[]): string {
  const better = folds.filter(({ scores }) => scores[MODEL]!.skill > 0).length;
  const clearly = folds.filter(({ scores }) => isBetter(scores)).length;
  const names = new Set(folds.map(({ scores, labels }) => shortName(labels, referenceOf(scores))));
  return `The model beats ${
    [...names].join(" or ")
  } in ${better} of ${folds.length} folds, in ${clearly} of them by more than luck ` +
    "explains.";
}
