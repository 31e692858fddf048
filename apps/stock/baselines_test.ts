import assert from "node:assert/strict";
import { Random, tensor } from "@unfold/core";
import { csv } from "./_testing.ts";
import { BASELINES, Ridge } from "./baselines.ts";
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

Deno.test("price: no change; the mean return; the returns of the last season", () => {
  const { naive, drift, seasonal } = BASELINES.price({ prices, horizon: 7, season: 5, train });
  assert.equal(naive!.of(150), 0);
  near(drift!.of(150), 7 * sum(days.map((day) => returns[day + 1]!)) / days.length);
  // Tomorrow repeats the day four days ago; after five days the same season repeats again.
  near(seasonal!.of(150), sum([146, 147, 148, 149, 150, 146, 147].map((day) => returns[day]!)));
});

Deno.test("direction: the fraction of rises; the direction of the last days", () => {
  const { rate, naive } = BASELINES.direction({ prices, horizon: 3, season: 5, train });
  near(rate!.of(150), days.filter((day) => close[day + 3]! > close[day]!).length / days.length);
  for (const day of [140, 150, 160]) assert.equal(naive!.of(day), close[day]! > close[day - 3]! ? 1 : 0);
});

Deno.test("volatility: EWMA rescaled to the training part, the mean and the last days, by hand", () => {
  const { ewma, naive, mean } = BASELINES.volatility({ prices, horizon: 4, season: 5, train });
  const variances: number[] = [];
  for (let day = 1; day <= 150; day++) {
    variances[day] = day <= 21
      ? sum(returns.slice(1, day + 1).map((value) => value ** 2)) / day
      : 0.94 * variances[day - 1]! + 0.06 * returns[day]! ** 2;
  }
  // The factor by least squares.
  const products = days.map((day) => Math.sqrt(variances[day]!) * volatility(day + 1, day + 4));
  const level = sum(products) / sum(days.map((day) => variances[day]!));
  near(ewma!.of(150), level * Math.sqrt(variances[150]!));
  near(naive!.of(150), volatility(147, 150));
  near(mean!.of(150), sum(days.map((day) => volatility(day + 1, day + 4))) / days.length);
});

Deno.test("volatility: the reference is the mean if volatility is constant, EWMA if it changes", () => {
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

Deno.test("volatility: HAR is the least-squares fit: its training errors are orthogonal to its inputs", () => {
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

Deno.test("no baseline depends on days after the forecast", () => {
  const altered = { ...prices, close: close.map((price, day) => day <= 150 ? price : price * (2 + day % 3)) };
  for (const [target, make] of Object.entries(BASELINES)) {
    const [before, after] = [prices, altered].map((some) => make({ prices: some, horizon: 5, season: 5, train }));
    for (const name of Object.keys(before!)) {
      assert.equal(after![name]!.of(150), before![name]!.of(150), `${target}, ${name}`);
      if (name !== "naive" || target !== "price") assert.ok(Number.isFinite(before![name]!.of(150)));
    }
  }
});

/** Two batches of windows of two days and two features, with targets computed by `target`. */
function batchesOf(count: number, seed: number, target: (row: readonly number[], random: Random) => number) {
  const random = new Random(seed);
  const rows = Array.from({ length: count }, () => Array.from({ length: 4 }, () => random.normal(0.3, 1)));
  const y = rows.map((row) => [99, target(row, random)]);
  const cut = Math.floor(count / 3);
  return [[0, cut], [cut, count]].map(([from, to]) => ({
    x: tensor(rows.slice(from, to).flat(), { shape: [to! - from!, 2, 2] }),
    y: tensor(y.slice(from, to)),
  }));
}

const line = ([a, b, c]: readonly number[]) => 2 + 3 * a! - b! + 0.5 * c!;

Deno.test("least squares recovers a noiseless line from several batches, and fits the last target column", () => {
  const batches = batchesOf(60, 1, line);
  const ridge = Ridge.fit(batches);
  const [{ x, y }] = batchesOf(30, 2, line) as [typeof batches[number]];
  ridge.predict(x).forEach((value, i) => assert.ok(Math.abs(value - y.data[2 * i + 1]!) < 1e-4));
});

Deno.test("a linearly dependent column and a constant column do no harm", () => {
  const [batch] = batchesOf(90, 3, line);
  const data = batch!.x.data;
  for (let row = 0; row < data.length; row += 4) {
    data[row + 2] = data[row]! + data[row + 1]!;
    data[row + 3] = 5;
  }
  const target = Array.from({ length: 30 }, (_, i) => [0, line([...data.subarray(4 * i, 4 * i + 4)])]);
  const predicted = Ridge.fit([{ x: batch!.x, y: tensor(target) }]).predict(batch!.x);
  predicted.forEach((value, i) => assert.ok(Math.abs(value - target[i]![1]!) < 1e-3, `${value} ${target[i]![1]}`));
});

Deno.test("validation chooses the penalty: large for pure noise, small for a line", () => {
  const noise = (_: readonly number[], random: Random) => random.normal(7, 1);
  const spread = (target: typeof noise) => {
    const ridge = Ridge.fit(batchesOf(60, 4, target), batchesOf(20_000, 5, target));
    const predicted = ridge.predict(batchesOf(90, 6, target)[1]!.x);
    return Math.max(...predicted) - Math.min(...predicted);
  };
  assert.ok(spread(noise) < 0.1, `${spread(noise)}`);
  assert.ok(spread(line) > 5, `${spread(line)}`);
});

Deno.test("one column, by the formula: weight = Σ(x − x̄)(y − ȳ)/(Σ(x − x̄)² + n·λ)", () => {
  // With the opposite slope in the validation part, the largest penalty is best.
  const [x, y] = [[1, 2, 4], [3, 5, 10]];
  const batch = { x: tensor(x, { shape: [3, 1, 1] }), y: tensor(y, { shape: [3, 1] }) };
  const against = { x: batch.x, y: tensor(y.toReversed(), { shape: [3, 1] }) };
  const mean = 7 / 3;
  const weight = (x[0]! - mean) * (3 - 6) + (x[1]! - mean) * (5 - 6) + (x[2]! - mean) * (10 - 6);
  const squares = x.reduce((total, value) => total + (value - mean) ** 2, 0);
  const expected = x.map((value) => 6 + weight / (squares + 3 * 1000) * (value - mean));
  Ridge.fit([batch], [against]).predict(batch.x).forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) < 1e-6)
  );
});
