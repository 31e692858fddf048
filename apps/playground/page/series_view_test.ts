import assert from "node:assert/strict";
import { forecastLines } from "./series_view.ts";

Deno.test("forecasts alternate between two lines and start at the last known value, which naive repeats", () => {
  const lines = forecastLines({
    actual: Float64Array.of(10, 11, 12, 13, 14),
    paths: [
      { from: 0, values: Float64Array.of(1, 2) },
      { from: 2, values: Float64Array.of(3, 4) },
      { from: 4, values: Float64Array.of(5, 6) },
    ],
  });
  assert.deepEqual(lines, {
    actual: [10, 11, 12, 13, 14, null, null],
    naive: [null, 10, 10, 12, 12, 14, 14],
    network: [[10, 1, 2, null, 14, 5, 6], [null, null, 12, 3, 4, null, null]],
  });
});
