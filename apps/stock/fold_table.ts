import { formatNumber } from "../shared/format_number.ts";
import { type FoldResult, spreadOf } from "./backtest.ts";
import { MODEL, referenceOf } from "./judge.ts";
import type { TargetName } from "./targets.ts";
import { errorName, isBetter, percent, percentSpread, pValue, shortName } from "./wording.ts";

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
