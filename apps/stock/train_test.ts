import { adam } from "@unfold/optimizers";
import { meanSquaredError } from "@unfold/layers";
import { evaluate, type TrainEvent, Windows } from "@unfold/training";
import assert from "node:assert/strict";
import { FEATURE_SETS, featuresOf, targetsOf } from "./features.ts";
import { parsePrices, type Prices } from "./prices.ts";
import { splitWindows } from "./split.ts";
import { prepare, trainForecaster, type TrainSettings } from "./train.ts";
import { csv } from "./_walk.ts";

/** Days before the first features. */
const WARM_UP = FEATURE_SETS.returns.warmUp;

const settings: TrainSettings = {
  model: "lstm",
  features: "returns",
  epochs: 1,
  window: 10,
  hidden: 4,
  batchSize: 8,
  learningRate: 1e-3,
  validation: 0.15,
  test: 0.15,
  seed: 1,
};

function altered(prices: Prices, from: number): Prices {
  return { ...prices, close: prices.close.map((price, day) => day < from ? price : price * (2 + day % 3)) };
}

Deno.test("a day's target is the next day's log return", () => {
  const prices = parsePrices(csv(60), "walk");
  const { data } = targetsOf(prices, FEATURE_SETS.returns);
  const day = 40;
  assert.equal(data[day - WARM_UP], Math.fround(Math.log(prices.close[day + 1]! / prices.close[day]!)));
});

Deno.test("a day's features, by hand", () => {
  const prices = parsePrices(csv(60), "walk");
  const { data, columns } = featuresOf(prices, FEATURE_SETS.returns);
  const day = 45;
  const returns = Array.from({ length: 21 }, (_, i) => Math.log(prices.close[day - i]! / prices.close[day - i - 1]!));
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = (values: number[]) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
  const five = returns.slice(0, 5);
  const expected = [returns[0]!, mean(five), mean(returns), deviation(five), deviation(returns)];
  const row = data.subarray((day - WARM_UP) * columns, (day - WARM_UP + 1) * columns);
  row.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) < 1e-8, `feature ${i}: ${value}, expected ${expected[i]}`)
  );
});

Deno.test("the scores are those of the test days' prices, the forecasts those that next() would have made", async () => {
  const prices = parsePrices(csv(300), "walk");
  const prepared = prepare(prices, settings);
  const events: TrainEvent[] = [];
  const result = await trainForecaster(
    prices,
    prepared,
    { ...settings, epochs: 4 },
    { optimizer: adam(), onEvent: (event) => void events.push(event) },
  );
  const { days, scores, forecaster } = result!;
  const first = prices.dates.length - days.length;
  assert.equal(days.length, prepared.split.test.to - prepared.split.test.from);
  let [model, naive] = [0, 0];
  days.forEach(({ date, actual, forecast }, i) => {
    assert.deepEqual([date, actual], [prices.dates[first + i], prices.close[first + i]]);
    model += (forecast - actual) ** 2 / days.length;
    naive += (prices.close[first + i - 1]! - actual) ** 2 / days.length;
  });
  assert.ok(Math.abs(scores.model.mse / model - 1) < 1e-12 && Math.abs(scores.naive.mse / naive - 1) < 1e-12);
  assert.ok(Math.abs(scores.model.skill - (1 - model / naive)) < 1e-12);
  for (const i of [0, days.length - 1]) {
    const known = { ...prices, dates: prices.dates.slice(0, first + i), close: prices.close.slice(0, first + i) };
    assert.equal(forecaster.next(known).close, days[i]!.forecast);
  }

  // Drift, direction and interval, by hand.
  const { train, validation } = prepared.split;
  const returnAfter = (row: number) => Math.log(prices.close[row + WARM_UP + 1]! / prices.close[row + WARM_UP]!);
  const rows = Array.from({ length: train.to - train.from }, (_, i) => returnAfter(train.from + i));
  const mean = rows.reduce((a, b) => a + b) / rows.length;
  const driftError = days.map(({ actual }, i) => prices.close[first + i - 1]! * Math.exp(mean) - actual);
  assert.ok(Math.abs(scores.drift.mse / (driftError.reduce((a, b) => a + b ** 2, 0) / days.length) - 1) < 1e-6);
  const rightly = days.filter(({ forecast, actual }, i) => {
    const before = prices.close[first + i - 1]!;
    return (forecast > before) === (actual > before);
  });
  assert.equal(result!.direction.accuracy, rightly.length / days.length);
  const { radius, held } = result!.interval!;
  const errorOf = (row: number) => {
    const known = {
      ...prices,
      dates: prices.dates.slice(0, row + WARM_UP + 1),
      close: prices.close.slice(0, row + WARM_UP + 1),
    };
    return Math.abs(forecaster.next(known).logReturn - returnAfter(row));
  };
  const errors = Array.from({ length: validation.to - validation.from }, (_, i) => errorOf(validation.from + i)).sort((
    a,
    b,
  ) => a - b);
  assert.ok(Math.abs(radius - errors[Math.ceil(0.9 * (errors.length + 1)) - 1]!) < 1e-6);
  const inside = days.filter((_, i) => errorOf(prepared.split.test.from + i) <= radius);
  assert.equal(held, inside.length / days.length);

  // The weights that came back are those of the epoch with the least validation loss.
  const losses = events.filter((event) => event.type === "epoch").map((event) => event.validationLoss!);
  assert.equal(result!.validationLoss, Math.min(...losses));
  assert.equal(losses[result!.bestEpoch - 1], result!.validationLoss);
  const { from, to } = prepared.split.validation;
  const windows = new Windows({
    features: forecaster.scaleFeatures(prepared.features),
    targets: forecaster.scaleTargets(prepared.targets),
    past: settings.window,
    batchSize: settings.batchSize,
    from,
    to,
  });
  assert.equal(
    await evaluate(forecaster.network, { loss: meanSquaredError, batches: windows }),
    result!.validationLoss,
  );
});

Deno.test("scalers are fitted on the training part alone: they do not move when what follows it does", () => {
  const prices = parsePrices(csv(300), "walk");
  const { split, config } = prepare(prices, settings);
  // The last training target is the return into the day behind the training part's last one.
  const moved = prepare(altered(prices, split.train.to + WARM_UP + 1), settings);
  assert.deepEqual(moved.config, config);
});

Deno.test("the parts follow each other in time and leave no window out", () => {
  const prices = parsePrices(csv(300), "walk");
  const { train, validation, test } = splitWindows(prices, { window: 10, warmUp: WARM_UP }, settings);
  assert.deepEqual([train.from, train.to, validation.to, test.to], [9, validation.from, test.from, 300 - WARM_UP - 1]);
  assert.ok(train.to > train.from && validation.to > validation.from && test.to > test.from);
});

Deno.test("a CSV may have quotes, a byte order mark, Windows line ends, blank lines and any order of columns", () => {
  const text = '\uFEFFClose ,Note,DATE\r\n1.5,"a, ""b""\nc",2020-01-01\r\n\r\n2,,2020-01-02\r\n';
  const { dates, close } = parsePrices(text, "file");
  assert.deepEqual([dates, [...close]], [["2020-01-01", "2020-01-02"], [1.5, 2]]);
  assert.throws(() => parsePrices(`${text}x,,2020-01-03`, "file"), /line 6, column Close: /);
});
