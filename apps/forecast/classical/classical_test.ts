import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { ets, etsName } from "./ets.ts";
import { minimise, minimiseOn } from "./minimise.ts";
import { mstl } from "./mstl.ts";
import { drift, naive2, seasonalNaive } from "./naive.ts";
import { decompose, hasSeason, reseason } from "./seasonality.ts";
import { theta } from "./theta.ts";

const METHODS = { seasonalNaive, drift, naive2, theta, ets, mstl };

/** A season of four steps on a line, with noise. */
function seasonal(length: number, { noise = 0.5, seed = 1 } = {}): Float64Array {
  const random = new Random(seed);
  const pattern = [10, -4, -8, 2];
  return Float64Array.from({ length }, (_, t) => 50 + 0.3 * t + pattern[t % 4]! + random.normal(0, noise));
}

Deno.test("a season is found where there is one, not in noise", () => {
  const random = new Random(3);
  const noise = Float64Array.from({ length: 200 }, () => random.normal());
  assert.equal(hasSeason(seasonal(80), 4), true);
  assert.equal(hasSeason(noise, 4), false);
  // Seen once only.
  assert.equal(hasSeason(seasonal(7), 4), false);
});

Deno.test("decomposition takes an exact season out and gives it back", () => {
  for (const season of [3, 4, 7, 12]) {
    const pattern = Float64Array.from({ length: season }, (_, i) => 1 + 0.3 * Math.sin(i + season));
    const values = Float64Array.from({ length: 6 * season }, (_, t) => 20 * pattern[t % season]!);
    const parts = decompose(values, season);
    assert.equal(parts.kind, "multiplicative");
    assert.ok(Math.abs(parts.indices.reduce((a, b) => a + b) / season - 1) < 1e-12);
    const level = parts.adjusted[0]!;
    assert.ok(parts.adjusted.every((value) => Math.abs(value - level) < 1e-9));
    const next = reseason(new Float64Array(season).fill(level), parts, values.length);
    next.forEach((value, h) => assert.ok(Math.abs(value - values[h]!) < 1e-9));
  }
  const shifted = decompose(seasonal(40).map((value) => value - 60), 4);
  assert.equal(shifted.kind, "additive");
  assert.ok(Math.abs(shifted.indices.reduce((a, b) => a + b)) < 1e-9);
  assert.throws(() => decompose(seasonal(7), 4), /two seasons of 2 steps or more, got 7 values and a season of 4/);
});

Deno.test("minimise finds the valley of Rosenbrock's function, minimiseOn the ends of an interval too", () => {
  const rosenbrock = ([x, y]: Float64Array) => (1 - x!) ** 2 + 100 * (y! - x! ** 2) ** 2;
  const { at } = minimise(rosenbrock, Float64Array.of(-1.2, 1), {
    steps: Float64Array.of(0.5, 0.5),
    evaluations: 400,
    tolerance: 1e-12,
  });
  assert.ok(Math.abs(at[0]! - 1) < 1e-3 && Math.abs(at[1]! - 1) < 1e-3);
  assert.ok(Math.abs(minimiseOn((x) => (x - 0.3) ** 2, 0, 1) - 0.3) < 1e-6);
  assert.equal(minimiseOn((x) => x, 0.1, 0.9), 0.1);
  assert.equal(minimiseOn((x) => -x, 0.1, 0.9), 0.9);
});

Deno.test("seasonal naive repeats the last season, drift the line between the ends", () => {
  const values = Float64Array.of(1, 2, 3, 4, 5, 9);
  assert.deepEqual([...seasonalNaive(values, { season: 3, horizon: 4 }).mean], [4, 5, 9, 4]);
  assert.deepEqual([...seasonalNaive(values, { season: 9, horizon: 2 }).mean], [9, 9]);
  assert.deepEqual([...drift(Float64Array.of(0, 5, 6), { season: 1, horizon: 2 }).mean], [9, 12]);
  // Errors of 3, 3 and 5 a season apart.
  const { deviation } = seasonalNaive(values, { season: 3, horizon: 4 });
  assert.ok(Math.abs(deviation[0]! - Math.sqrt((9 + 9 + 36) / 3)) < 1e-12);
  assert.ok(Math.abs(deviation[3]! - Math.SQRT2 * deviation[0]!) < 1e-12);
});

Deno.test("Theta and ETS follow trend and season far better than the naive forecasts", () => {
  const all = seasonal(88);
  const [past, actual] = [all.slice(0, 80), all.slice(80)];
  const errorOf = (name: keyof typeof METHODS) =>
    METHODS[name](past, { season: 4, horizon: 8 }).mean.reduce(
      (total, value, h) => total + Math.abs(value - actual[h]!) / 8,
      0,
    );
  // Theta has half of the slope and, here, the other kind of season.
  for (const [name, most] of [["theta", 1.6], ["ets", 0.9], ["mstl", 1.6]] as const) {
    assert.ok(errorOf(name) < most, `${name}: ${errorOf(name)}`);
    assert.ok(errorOf(name) < errorOf("seasonalNaive"));
  }
});

Deno.test("ETS chooses a season and a trend where there are some, and neither for noise", () => {
  const { fit } = ets(seasonal(80), { season: 4, horizon: 1 });
  assert.match(etsName(fit!.form), /^[AM]Ad?A$/);
  const random = new Random(4);
  const noise = Float64Array.from({ length: 100 }, () => 50 + random.normal());
  assert.match(etsName(ets(noise, { season: 4, horizon: 1 }).fit!.form), /^[AM]NN$/);
});

Deno.test("95 % intervals of one step ahead hold about 95 % of the values", () => {
  for (const name of ["theta", "ets"] as const) {
    let held = 0;
    for (let seed = 0; seed < 100; seed++) {
      const all = seasonal(61, { seed });
      const { mean, deviation } = METHODS[name](all.slice(0, 60), { season: 4, horizon: 1 });
      held += Number(Math.abs(all[60]! - mean[0]!) < 1.96 * deviation[0]!);
    }
    assert.ok(held >= 85 && held <= 99, `${name}: ${held} of 100`);
  }
});

Deno.test("every method forecasts finite values of constant, tiny, huge and very short series", () => {
  const cases = [
    [7],
    [1, 2],
    [1, 2, 3],
    seasonal(8),
    seasonal(9),
    Array(30).fill(5),
    Array(30).fill(0),
    Array.from(seasonal(40), (value) => value * 1e-9),
    Array.from(seasonal(40), (value) => value * 1e12),
    Array.from({ length: 40 }, (_, t) => t % 4),
    [0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1, 0, 0],
  ];
  for (const [name, method] of Object.entries(METHODS)) {
    for (const values of cases) {
      for (const season of [1, 4]) {
        const { mean, deviation } = method(Float64Array.from(values), { season, horizon: 6 });
        const isSound = mean.every(Number.isFinite) && deviation.every((one) => Number.isFinite(one) && one >= 0);
        assert.ok(isSound && mean.length === 6, `${name} of ${values.length} values, season ${season}: ${mean}`);
      }
    }
  }
});
