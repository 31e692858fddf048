import { formatNumber } from "../shared/format_number.ts";
import { type FoldResult, type Spread, spreadOf } from "./backtest.ts";
import { MODEL, referenceOf } from "./judge.ts";
import { percent, pValue } from "./wording.ts";

/** The folds as a table: a row each, mean and spread below. */
export function foldTable(folds: readonly FoldResult[]): { head: string[]; rows: string[][] } {
  const names = Object.keys(folds[0]!.scores);
  const reference = referenceOf(folds[0]!.scores);
  const others = names.filter((name) => name !== MODEL && name !== reference);
  const ofAll = (name: string) => spreadOf(folds.map(({ scores }) => scores[name]!.skill));
  const both = ({ mean, deviation }: Spread) =>
    Number.isNaN(deviation) ? percent(mean, 2) : `${percent(mean, 2)} ± ${(100 * deviation).toFixed(2)}`;
  return {
    head: ["fold", `MSE of the model`, `of ${reference}`, "skill", "p", ...others.map((name) => `skill of ${name}`)],
    rows: [
      ...folds.map(({ from, to, scores }) => [
        `${from} to ${to}`,
        formatNumber(scores[MODEL]!.mse),
        formatNumber(scores[reference]!.mse),
        percent(scores[MODEL]!.skill, 2),
        pValue(scores[reference]!),
        ...others.map((name) => percent(scores[name]!.skill, 2)),
      ]),
      ["mean ± spread", "", "", both(ofAll(MODEL)), "", ...others.map((name) => both(ofAll(name)))],
    ],
  };
}
