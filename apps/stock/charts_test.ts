import assert from "node:assert/strict";
import { advantageOver, daysAfter, returnsOf } from "./charts.ts";
import type { TestDays } from "./judge.ts";

const test: TestDays = {
  made: ["2020-01-01", "2020-01-02", "2020-01-03"],
  dates: ["2020-01-02", "2020-01-03", "2020-01-04"],
  before: [100, 102, 99],
  actual: [102, 99, 101],
  forecasts: { model: [101, 100, 100], naive: [100, 102, 99] },
};

Deno.test("returns keep their dates, the cumulative difference rises where the model is better, forecasts skip weekends", () => {
  const [, second] = returnsOf(test);
  assert.equal(second!.date, "2020-01-03");
  assert.equal(second!.value, 100 * Math.log(99 / 102));
  const small = { ...test, dates: ["a", "b"], actual: [1, 1], forecasts: { model: [1, 3], naive: [3, 1] } };
  assert.deepEqual(advantageOver(small, "naive"), [{ date: "a", value: 4 }, { date: "b", value: 0 }]);
  assert.deepEqual(daysAfter(["2026-11-19", "2026-11-20"], 3), ["2026-11-23", "2026-11-24", "2026-11-25"]);
  assert.deepEqual(daysAfter(["2026-11-21"], 2), ["2026-11-22", "2026-11-23"]);
});
