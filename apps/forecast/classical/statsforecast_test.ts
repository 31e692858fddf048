import assert from "node:assert/strict";
import { CLASSICAL, type ClassicalName } from "../methods.ts";
import goldens from "../testdata/statsforecast.json" with { type: "json" };
import { ets, etsName } from "./ets.ts";

/**
 * How far forecasts may be from statsforecast's, in standard deviations of the series. The searches for Theta's and ETS's
 * parameters end at other places; those of statsforecast's ETS include the season's first state.
 */
const TOLERANCES: Readonly<Record<ClassicalName, number>> = {
  seasonalNaive: 1e-6,
  drift: 1e-6,
  theta: 0.02,
  ets: 0.1,
  mstl: 0.02,
};
/** By how much the AICc of our ETS may be larger. */
const WORSE = 1.5;

for (const { name, values, season, horizon, ets: chosen, forecasts } of goldens) {
  Deno.test(`${name}: forecasts as statsforecast's`, () => {
    const series = Float64Array.from(values);
    const mean = series.reduce((a, b) => a + b) / series.length;
    const deviation = Math.sqrt(series.reduce((total, value) => total + (value - mean) ** 2, 0) / series.length);
    const { fit } = ets(series, { season, horizon });
    assert.ok(fit!.aicc <= chosen.aicc + WORSE, `AICc ${fit!.aicc}, statsforecast's ${chosen.aicc}`);
    for (const [method, expected] of Object.entries(forecasts) as [ClassicalName, number[]][]) {
      // Where the search of one of them finds a better form, the forecasts are others too.
      if (method === "ets" && etsName(fit!.form) !== chosen.form) continue;
      const actual = CLASSICAL[method].method(series, { season, horizon }).mean;
      assert.equal(actual.length, expected.length);
      const worst = Math.max(...expected.map((value, h) => Math.abs(value - actual[h]!))) / deviation;
      assert.ok(worst <= TOLERANCES[method], `${method} differs by ${worst} standard deviations`);
    }
  });
}

Deno.test("ETS mostly chooses the form that statsforecast chooses", () => {
  const same = goldens.filter(({ values, season, horizon, ets: { form } }) =>
    etsName(ets(Float64Array.from(values), { season, horizon }).fit!.form) === form
  );
  assert.ok(same.length >= goldens.length - 1, `${same.length} of ${goldens.length}`);
});
