import assert from "node:assert/strict";
import { regressionMetrics } from "./regression_metrics.ts";

Deno.test("metrics equal the worked example of scikit-learn's documentation", () => {
  // r2_score, mean_squared_error and mean_absolute_error of y_true = [3, -0.5, 2, 7], y_pred = [2.5, 0.0, 2, 8]
  const { mse, mae, rmse, r2 } = regressionMetrics([2.5, 0, 2, 8], [3, -0.5, 2, 7]);
  assert.equal(mse, 0.375);
  assert.equal(mae, 0.5);
  assert.equal(rmse, Math.sqrt(0.375));
  assert.ok(Math.abs(r2 - 0.948608137) < 1e-9);
});

Deno.test("R² of values that never change is NaN, and lists of different lengths are refused", () => {
  assert.ok(Number.isNaN(regressionMetrics([1, 1], [2, 2]).r2));
  assert.throws(() => regressionMetrics([1], [1, 2]), /got 1 for 2/);
  assert.throws(() => regressionMetrics([], []), RangeError);
});
