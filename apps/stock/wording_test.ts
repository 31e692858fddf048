import assert from "node:assert/strict";
import type { FoldResult } from "./backtest.ts";
import type { Score } from "./judge.ts";
import { directionLine, foldVerdict, isBetter, verdict } from "./wording.ts";

/** Scores with a given skill and p-value against the reference. */
function scoresOf(skill: number, pValue: number, other = 1.2): Record<string, Score> {
  const score = (mse: number) => ({ mse, mae: 1, rmse: 1, r2: 0, skill: 1 - mse });
  return {
    model: score(1 - skill),
    naive: { ...score(1), comparison: { statistic: -1, pValue } },
    drift: score(other),
  };
}

const labels = { model: "lstm (epoch 2)", naive: "naive (tomorrow = today)", drift: "drift (mean return)" };

Deno.test("the verdict claims skill only if the error is smaller with p < 0.05, and names the baselines that are better", () => {
  const said = (scores: Record<string, Score>) => verdict("price", scores, labels);
  const smaller = "The model's mean squared error is 10.00 % smaller than that of the naive forecast";
  assert.equal(
    said(scoresOf(0.1, 0.04)),
    `${smaller}, and the difference is significant (Diebold-Mariano test, p = 0.040).`,
  );
  assert.equal(
    said(scoresOf(0.1, 0.06)),
    `${smaller}, but the difference is not significant (Diebold-Mariano test, p = 0.060).`,
  );
  const beaten = "The model does not beat the naive forecast: today's price is the best forecast.";
  assert.equal(said(scoresOf(-0.1, 0.001)), beaten);
  assert.equal(
    said(scoresOf(-0.1, 0.001, 0.9)),
    "Better than the model: drift.\nThe model does not beat the naive forecast.",
  );
  const direction = { accuracy: 0.6, low: 0.5, high: 0.7, count: 100, alwaysUp: 0.4 };
  assert.match(
    directionLine("price", direction),
    /right on 60.0 % of the days with a price change .*; always saying "down" is right on 60.0 %\.$/,
  );
  assert.match(
    directionLine("direction", { ...direction, alwaysUp: 0.55 }),
    /; always saying "up" is right on 55.0 %\.$/,
  );
  assert.equal(said(scoresOf(-0.1, 0.001, 1.05)), `Better than the model: drift.\n${beaten}`);
  assert.deepEqual([scoresOf(0.1, 0.04), scoresOf(0.1, 0.06), scoresOf(-0.1, 0.01)].map(isBetter), [
    true,
    false,
    false,
  ]);
});

Deno.test("the verdict of a back-test counts the folds that are better, and those that are significantly better", () => {
  const folds = [scoresOf(0.1, 0.04), scoresOf(0.2, 0.3), scoresOf(-0.1, 0.01)].map((scores) => ({ scores, labels }));
  assert.equal(
    foldVerdict(folds as unknown as FoldResult[]),
    "The model beats the naive forecast in 2 of 3 folds, in 1 of them significantly (p < 0.05).",
  );
});
