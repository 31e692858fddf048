import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { dieboldMariano, directionalAccuracy } from "@unfold/training";
import { isPerfect, judge, type TestDays } from "./judge.ts";
import { TARGETS } from "./targets.ts";

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

Deno.test("scores, comparisons and direction come from the library's metrics, with the horizon of the overlapping errors", () => {
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
