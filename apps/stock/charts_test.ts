import assert from "node:assert/strict";
import { advantageOver, returnsOf } from "./charts.ts";
import type { TestDays } from "./judge.ts";

const test: TestDays = {
  made: ["2020-01-01", "2020-01-02", "2020-01-03"],
  dates: ["2020-01-02", "2020-01-03", "2020-01-04"],
  before: [100, 102, 99],
  actual: [102, 99, 101],
  forecasts: { model: [101, 100, 100], naive: [100, 102, 99] },
};
