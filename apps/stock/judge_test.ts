import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { dieboldMariano, directionalAccuracy } from "@unfold/training";
import type { FoldResult } from "./backtest.ts";
import { advantageOver, daysAfter, returnsOf } from "./charts.ts";
import { isPerfect, judge, type Score, type TestDays } from "./judge.ts";
import { TARGETS } from "./targets.ts";
import { directionLine, foldVerdict, isBetter, verdict } from "./wording.ts";

const random = new Random(1);
const draw = (count: number, deviation: number) =>
  Array.from({ length: count }, () => 100 + random.normal(0, deviation));
const COUNT = 60;
const test: TestDays = {
  dates: Array.from({ length: COUNT }, (_, i) => new Date(Date.UTC(2020, 0, 3 + i)).toISOString().slice(0, 10)),
  made: Array.from({ length: COUNT }, (_, i) => new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10)),
  before: draw(COUNT, 3),
  actual: draw(COUNT, 3),
  forecasts: { model: draw(COUNT, 1), naive: draw(COUNT, 2), drift: draw(COUNT, 4) },
  interval: { low: draw(COUNT, 0).map(() => 98), high: draw(COUNT, 0).map(() => 103) },
};

Deno.test("scores, comparisons and direction over a horizon are the library's, of errors that overlap", () => {
  const { scores, direction, held } = judge(test, TARGETS.price, 5);
  const errors = (name: string) => test.forecasts[name]!.map((value, i) => value - test.actual[i]!);
  for (const name of ["naive", "drift"]) {
    assert.deepEqual(scores[name]!.comparison, dieboldMariano(errors("model"), errors(name), { horizon: 5 }));
  }
  const changes = (values: readonly number[]) => values.map((value, i) => value - test.before[i]!);
  const expected = directionalAccuracy(changes(test.forecasts.model!), changes(test.actual), { horizon: 5 });
  const alwaysUp = changes(test.actual).filter((change) => change > 0).length / COUNT;
  assert.deepEqual(direction, { ...expected, alwaysUp });
  assert.equal(held, test.actual.filter((value) => value >= 98 && value <= 103).length / COUNT);
  assert.equal(scores.model!.comparison, undefined);
  assert.ok(isPerfect([1, 2 + 1e-9], [1, 2]) && !isPerfect([1, 2.001], [1, 2]));
});

/** Scores with a skill and a p against the reference. */
function scoresOf(skill: number, pValue: number, other = 1.2): Record<string, Score> {
  const score = (mse: number) => ({ mse, mae: 1, rmse: 1, r2: 0, skill: 1 - mse });
  return {
    model: score(1 - skill),
    naive: { ...score(1), comparison: { statistic: -1, pValue } },
    drift: score(other),
  };
}

const labels = { model: "lstm (epoch 2)", naive: "naive (tomorrow = today)", drift: "drift (the mean return)" };

Deno.test("the last line claims skill where the error is smaller and luck is less probable than 5 %, and names who is better", () => {
  const said = (scores: Record<string, Score>) => verdict("price", scores, labels);
  const smaller = "The model's squared error is 10.00 % smaller than that of naive on this test period";
  assert.equal(said(scoresOf(0.1, 0.04)), `${smaller}, by more than luck explains (Diebold-Mariano, p = 0.040).`);
  assert.equal(said(scoresOf(0.1, 0.06)), `${smaller}; that can be luck (Diebold-Mariano, p = 0.060).`);
  const beaten = "The model does not beat naive: the price is best guessed as today's.";
  assert.equal(said(scoresOf(-0.1, 0.001)), beaten);
  assert.equal(
    said(scoresOf(-0.1, 0.001, 0.9)),
    "Smaller errors than the model's: drift.\nThe model does not beat naive.",
  );
  const direction = { accuracy: 0.6, low: 0.5, high: 0.7, count: 100, alwaysUp: 0.4 };
  assert.match(
    directionLine("price", direction),
    /right on 60.0 % of the days that it moved .*; "down" every time is right on 60.0 %\.$/,
  );
  assert.match(
    directionLine("direction", { ...direction, alwaysUp: 0.55 }),
    /; "a rise" every time is right on 55.0 %\.$/,
  );
  assert.equal(said(scoresOf(-0.1, 0.001, 1.05)), `Smaller errors than the model's: drift.\n${beaten}`);
  assert.deepEqual([scoresOf(0.1, 0.04), scoresOf(0.1, 0.06), scoresOf(-0.1, 0.01)].map(isBetter), [
    true,
    false,
    false,
  ]);
});

Deno.test("a backtest's last line counts the folds that are better, and those by more than luck", () => {
  const folds = [scoresOf(0.1, 0.04), scoresOf(0.2, 0.3), scoresOf(-0.1, 0.01)].map((scores) => ({ scores, labels }));
  assert.equal(
    foldVerdict(folds as unknown as FoldResult[]),
    "The model beats naive in 2 of 3 folds, in 1 of them by more than luck explains.",
  );
});

Deno.test("charts: returns stand at their day, the advantage rises where the model is better, days after skip weekends", () => {
  const [, second] = returnsOf(test);
  assert.equal(second!.date, "2020-01-03");
  assert.equal(second!.value, 100 * Math.log(test.before[2]! / test.before[1]!));
  const small = { ...test, dates: ["a", "b"], actual: [1, 1], forecasts: { model: [1, 3], naive: [3, 1] } };
  assert.deepEqual(advantageOver(small, "naive"), [{ date: "a", value: 4 }, { date: "b", value: 0 }]);
  assert.deepEqual(daysAfter(["2026-11-19", "2026-11-20"], 3), ["2026-11-23", "2026-11-24", "2026-11-25"]);
  assert.deepEqual(daysAfter(["2026-11-21"], 2), ["2026-11-22", "2026-11-23"]);
});
