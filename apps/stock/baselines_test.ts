import assert from "node:assert/strict";
import { csv } from "./_walk.ts";
import { BASELINES } from "./baselines.ts";
import { Random } from "@unfold/core";
import { parsePrices, type Prices } from "./prices.ts";

const prices = parsePrices(csv(200), "walk");
const { close } = prices;
const returns = Array.from(close, (price, day) => day === 0 ? NaN : Math.log(price / close[day - 1]!));
const train = { from: 30, to: 120 };
const days = Array.from({ length: train.to - train.from }, (_, i) => train.from + i);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const volatility = (from: number, to: number) =>
  Math.sqrt(sum(returns.slice(from, to + 1).map((value) => value ** 2)) / (to - from + 1));

function near(found: number, expected: number, tolerance = 1e-12): void {
  assert.ok(Math.abs(found - expected) <= tolerance * Math.abs(expected) + 1e-15, `${found}, expected ${expected}`);
}

Deno.test("price: nothing changes; the mean return; the days of the last season", () => {
  const { naive, drift, seasonal } = BASELINES.price({ prices, horizon: 7, season: 5, train });
  assert.equal(naive!.of(150), 0);
  near(drift!.of(150), 7 * sum(days.map((day) => returns[day + 1]!)) / days.length);
  // Tomorrow is like the day four days ago; the days after five are those of the same season again.
  near(seasonal!.of(150), sum([146, 147, 148, 149, 150, 146, 147].map((day) => returns[day]!)));
});

Deno.test("direction: the share of rises; the direction of the last days", () => {
  const { rate, naive } = BASELINES.direction({ prices, horizon: 3, season: 5, train });
  near(rate!.of(150), days.filter((day) => close[day + 3]! > close[day]!).length / days.length);
  for (const day of [140, 150, 160]) assert.equal(naive!.of(day), close[day]! > close[day - 3]! ? 1 : 0);
});

Deno.test("volatility: EWMA at the level of the training part, the mean and the last days, by hand", () => {
  const { ewma, naive, mean } = BASELINES.volatility({ prices, horizon: 4, season: 5, train });
  const variances: number[] = [];
  for (let day = 1; day <= 150; day++) {
    variances[day] = day <= 21
      ? sum(returns.slice(1, day + 1).map((value) => value ** 2)) / day
      : 0.94 * variances[day - 1]! + 0.06 * returns[day]! ** 2;
  }
  // The factor that least squares would choose.
  const products = days.map((day) => Math.sqrt(variances[day]!) * volatility(day + 1, day + 4));
  const level = sum(products) / sum(days.map((day) => variances[day]!));
  near(ewma!.of(150), level * Math.sqrt(variances[150]!));
  near(naive!.of(150), volatility(147, 150));
  near(mean!.of(150), sum(days.map((day) => volatility(day + 1, day + 4))) / days.length);
});

Deno.test("volatility: the reference is the mean where volatility stays as it is, EWMA where it changes", () => {
  const random = new Random(1);
  const walk = (deviation: (day: number) => number) => {
    let log = 0;
    const close = Float64Array.from(
      { length: 1000 },
      (_, day) => 100 * Math.exp(log += random.normal(0, deviation(day))),
    );
    return { ...prices, close };
  };
  const referenceOf = (some: Prices) => {
    const context = { prices: some, horizon: 5, season: 5, train: { from: 30, to: 900 } };
    return Object.keys(BASELINES.volatility(context))[0];
  };
  assert.equal(referenceOf(walk(() => 0.01)), "mean");
  assert.equal(referenceOf(walk((day) => day % 400 < 200 ? 0.005 : 0.02)), "ewma");
});

Deno.test("volatility: HAR is the least-squares fit: its errors in the training part are orthogonal to what it sees", () => {
  const { har } = BASELINES.volatility({ prices, horizon: 4, season: 5, train });
  const errors = days.map((day) => volatility(day + 1, day + 4) - har!.of(day));
  const scale = Math.sqrt(sum(errors.map((error) => error ** 2)) * days.length);
  assert.ok(Math.abs(sum(errors) / scale) < 1e-5);
  const seen = [1, 5, 21].map((span) => days.map((day) => volatility(day + 1 - span, day)));
  for (const column of seen) {
    const length = Math.sqrt(sum(column.map((value) => value ** 2)) / days.length);
    const cosine = sum(errors.map((error, i) => error * column[i]!)) / (scale * length);
    assert.ok(Math.abs(cosine) < 1e-5, `${cosine}`);
  }
});

Deno.test("no baseline knows the future: what it says on a day stays when the days after change", () => {
  const altered = { ...prices, close: close.map((price, day) => day <= 150 ? price : price * (2 + day % 3)) };
  for (const [target, make] of Object.entries(BASELINES)) {
    const [before, after] = [prices, altered].map((some) => make({ prices: some, horizon: 5, season: 5, train }));
    for (const name of Object.keys(before!)) {
      assert.equal(after![name]!.of(150), before![name]!.of(150), `${target}, ${name}`);
      if (name !== "naive" || target !== "price") assert.ok(Number.isFinite(before![name]!.of(150)));
    }
  }
});
