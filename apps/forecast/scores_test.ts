import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { mase } from "@unfold/training";
import {
  averageOf,
  conformalFactors,
  type Factors,
  HIGH,
  LEVELS,
  LOW,
  MEDIAN,
  normalQuantiles,
  type Quantiles,
  stretched,
  within,
} from "./quantiles.ts";
import { scoreOf, seasonalScale, summarise, withOwa } from "./scores.ts";

const near = (a: number, b: number, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

/** The same quantiles at each step. */
function constant(horizon: number, of: (level: number) => number): Quantiles {
  return LEVELS.map((level) => new Float64Array(horizon).fill(of(level)));
}

/** The same factor for all levels and steps. */
function even(factor: number, horizon: number): Factors {
  return LEVELS.map(() => Array(horizon).fill(factor));
}

Deno.test("scores of a forecast by hand", () => {
  const training = Float64Array.of(1, 5, 3, 7, 5, 9);
  assert.equal(seasonalScale(training, 2), 2);
  const quantiles = LEVELS.map((_, at) => Float64Array.of(10, 10).map((value) => value + (at - MEDIAN)));
  const actual = Float64Array.of(12, 16);
  const score = scoreOf(quantiles, actual, { training, season: 2 });
  // The interval is 6 to 14, so that the second value is 2 above it.
  near(score.mae, 4);
  near(score.rmse, Math.sqrt(20));
  near(score.mase!, 2);
  near(score.mase!, mase(quantiles[MEDIAN]!, actual, { training, season: 2 }));
  near(score.smape, 50 * (2 * 2 / 22 + 2 * 6 / 26));
  near(score.msis!, (8 + 40 * 2 / 2) / 2);
  near(score.coverage, 0.5);
  const losses = LEVELS.map((level, at) =>
    [12, 16].reduce((total, value) => {
      const error = value - 10 - (at - MEDIAN);
      return total + Math.max(level * error, (level - 1) * error);
    }, 0)
  );
  const { wql } = summarise([score]);
  near(wql, 2 * losses.reduce((a, b) => a + b) / LEVELS.length / 28);
});

Deno.test("a series that repeats exactly has no scaled errors, and means leave it out", () => {
  const quantiles = constant(2, () => 1);
  const still = scoreOf(quantiles, Float64Array.of(1, 2), { training: Float64Array.of(3, 3, 3), season: 1 });
  assert.deepEqual([still.mase, still.msis], [undefined, undefined]);
  const other = scoreOf(quantiles, Float64Array.of(1, 2), { training: Float64Array.of(1, 2, 3), season: 1 });
  assert.equal(summarise([still, other]).mase, other.mase);
  assert.equal(withOwa(summarise([other]), summarise([other])).owa, 1);
});

Deno.test("normal quantiles, means and stretching", () => {
  const [mean, deviation] = [Float64Array.of(5, 8), Float64Array.of(1, 2)];
  const quantiles = normalQuantiles({ mean, deviation });
  assert.deepEqual(quantiles[MEDIAN], mean);
  near(quantiles[HIGH]![1]!, 8 + 2 * 1.959964);
  near(quantiles[LOW]![0]!, 5 - 1.959964);
  const double = stretched(quantiles, even(2, 2));
  near(double[HIGH]![0]!, 5 + 2 * 1.959964);
  near(averageOf([quantiles, double])[HIGH]![0]!, 5 + 1.5 * 1.959964);
  const wide = stretched(quantiles, even(9, 2));
  assert.ok(wide[LOW]![0]! < 0);
  assert.equal(within(wide, Float64Array.of(0, 3))[LOW]![0], 0);
  assert.deepEqual(within(wide, Float64Array.of(-1, 3)), wide);
});

Deno.test("conformal factors make quantiles that are too narrow or too wide hold what they promise", () => {
  for (const claimed of [0.3, 1, 4]) {
    const random = new Random(7);
    const draw = (count: number) =>
      Array.from({ length: count }, () => ({
        quantiles: normalQuantiles({
          mean: new Float64Array(5),
          deviation: new Float64Array(5).fill(claimed),
        }),
        actual: Float64Array.from({ length: 5 }, () => random.normal()),
      }));
    const factors = conformalFactors(draw(400), 5);
    assert.deepEqual(factors[MEDIAN], [1, 1, 1, 1, 1]);
    factors.forEach((steps, at) => at === MEDIAN || steps.forEach((factor) => near(factor * claimed, 1, 0.12)));
    const fresh = draw(400);
    const held = fresh.flatMap(({ quantiles, actual }) => {
      const wide = stretched(quantiles, factors);
      return Array.from(actual, (value, h) => wide[LOW]![h]! <= value && value <= wide[HIGH]![h]!);
    });
    near(held.filter(Boolean).length / held.length, 0.95, 0.015);
  }
});

Deno.test("each step has its own factors if its errors suffice, and outer quantiles stay outside", () => {
  const random = new Random(8);
  const quantiles = normalQuantiles({ mean: new Float64Array(2), deviation: Float64Array.of(1, 1) });
  const checked = Array.from({ length: 3000 }, () => ({
    quantiles,
    actual: Float64Array.of(random.normal(), random.normal(0, 3)),
  }));
  for (const level of [LOW, HIGH]) {
    conformalFactors(checked, 2)[level]!.forEach((factor, h) => near(factor, [1, 3][h]!, 0.2));
    // A hundred are too few for a step alone.
    const [one, other] = conformalFactors(checked.slice(0, 100), 2)[level]!;
    assert.equal(one, other);
  }
  const crossing = LEVELS.map((_, at) => [at === HIGH || at === LOW ? 0.1 : 1, 1]);
  const kept = stretched(quantiles, crossing);
  assert.equal(kept[HIGH]![0], quantiles[HIGH - 1]![0]);
  assert.equal(kept[LOW]![0], quantiles[LOW + 1]![0]);
});

Deno.test("too few errors calibrate nothing, and exact forecasts stay as they are", () => {
  const exact = { quantiles: constant(3, () => 2), actual: Float64Array.of(2, 2, 2) };
  assert.deepEqual(conformalFactors([exact], 3), even(1, 3));
  assert.deepEqual(conformalFactors([], 3), even(1, 3));
  const factors = conformalFactors(Array(40).fill(exact), 3);
  assert.ok(factors.flat().every((factor) => factor === 0 || factor === 1));
  assert.deepEqual([...stretched(exact.quantiles, factors)[LOW]!], [2, 2, 2]);
});

Deno.test("quantiles whose own factors make them cross are put in order around the median", () => {
  const quantiles = constant(2, (level) => 10 + (level - 0.5));
  const crossed = stretched(quantiles, LEVELS.map((_, at) => [at === 3 || at === 5 ? 50 : 1, 1]));
  for (const [h, widest] of [[0, 12.5], [1, 0.475]] as const) {
    const step = crossed.map((values) => values[h]!);
    assert.deepEqual(step, step.toSorted((a, b) => a - b));
    assert.equal(step[MEDIAN], 10);
    near(step[LOW]!, 10 - widest);
    near(step[HIGH]!, 10 + widest);
  }
});
