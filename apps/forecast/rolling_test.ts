import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { seasonalNaive } from "./classical/naive.ts";
import { HIGH, LEVELS, LOW, MEDIAN, normalQuantiles } from "./quantiles.ts";
import { compareCandidates, forecastBy, originsOf } from "./rolling.ts";

/** Series with a season of four steps. */
function seasonal(count: number, length: number): Float64Array[] {
  const random = new Random(2);
  return Array.from(
    { length: count },
    () => Float64Array.from({ length }, (_, t) => 50 + [8, -2, -9, 3][t % 4]! + random.normal()),
  );
}

Deno.test("origins are a horizon apart, the last one a horizon before the end; short series have fewer or none", () => {
  assert.deepEqual(originsOf([20, 11, 6], { horizon: 3, season: 4, folds: 3 }), [
    { series: 0, fold: 0, end: 11 },
    { series: 0, fold: 1, end: 14 },
    { series: 1, fold: 1, end: 5 },
    { series: 0, fold: 2, end: 17 },
    { series: 1, fold: 2, end: 8 },
  ]);
});

Deno.test("a forecast from an origin does not depend on what comes after it", () => {
  const series = seasonal(3, 60);
  const options = { horizon: 4, season: 4, folds: 1 };
  const before = compareCandidates(series, options);
  // The actual values of the only origin become exact forecasts of the seasonal naive method.
  const ideal = series.map((values) => {
    const end = values.length - 4;
    return Float64Array.from([...values.subarray(0, end), ...values.subarray(end - 4, end)]);
  });
  const after = compareCandidates(ideal, options);
  assert.ok(before.results.seasonalNaive!.mase > 0);
  assert.equal(after.results.seasonalNaive!.mase, 0);
  assert.equal(after.best, "seasonalNaive");
});

Deno.test("the recommendation is the candidate with the smallest error, and its quantiles are calibrated", () => {
  const series = seasonal(20, 80);
  const comparison = compareCandidates(series, { horizon: 4, season: 4, folds: 3 });
  const { results, best, folds, origins, untested } = comparison;
  assert.deepEqual([folds, origins, untested], [3, 60, 0]);
  assert.ok(Object.values(results).every(({ mase }) => results[best]!.mase <= mase));
  // One value a season apart has twice the variance of a mean of many.
  assert.ok(results[best]!.mase < 0.85 * results.seasonalNaive!.mase);
  const { coverage, coverageByStep } = results[best]!;
  assert.ok(Math.abs(coverage - 0.95) < 0.04, `${coverage}`);
  assert.ok(Math.abs(coverageByStep.reduce((a, b) => a + b) / 4 - coverage) < 1e-12);
});

Deno.test("a network takes part with its own forecasts and in a mean", () => {
  const series = seasonal(4, 60);
  const exact = LEVELS.map((_, level) => (level - MEDIAN) / 10);
  const comparison = compareCandidates(series, {
    horizon: 4,
    season: 4,
    folds: 2,
    network: (origins) =>
      origins.map(({ series: at, end }) => exact.map((shift) => series[at]!.slice(end, end + 4).map((v) => v + shift))),
  });
  assert.equal(comparison.best, "network");
  assert.equal(comparison.results.network!.mase, 0);
  assert.ok(comparison.results.networkMean!.mase < comparison.results.classicalMean!.mase);
});

Deno.test("forecasts of a method and of a mean are those of its parts, stretched", () => {
  const [series] = seasonal(1, 40) as [Float64Array];
  const options = { horizon: 4, season: 4 };
  const factors = LEVELS.map(() => Array(4).fill(2));
  const own = normalQuantiles(seasonalNaive(series, options));
  const [naive] = forecastBy("seasonalNaive", [series], { ...options, factors });
  assert.deepEqual(naive![MEDIAN], own[MEDIAN]);
  const widths = [naive!, own].map((quantiles) => quantiles[HIGH]![0]! - quantiles[LOW]![0]!);
  assert.ok(Math.abs(widths[0]! - 2 * widths[1]!) < 1e-9);
  const of = (name: "ets" | "theta" | "classicalMean") =>
    forecastBy(name, [series], { ...options, factors })[0]![MEDIAN]![1]!;
  assert.ok(Math.abs(of("classicalMean") - (of("ets") + of("theta")) / 2) < 1e-12);
});
