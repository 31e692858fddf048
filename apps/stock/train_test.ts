import { adam } from "@unfold/optimizers";
import { meanSquaredError } from "@unfold/layers";
import { evaluate, Windows } from "@unfold/training";
import assert from "node:assert/strict";
import { inProcess } from "../../distributed/testdata/in_process.ts";
import { FEATURE_SETS } from "./features.ts";
import { parsePrices, type Prices } from "./prices.ts";
import { splitWindows } from "./split.ts";
import { prepare, trainForecaster, type TrainSettings } from "./train.ts";
import { csv } from "./_testing.ts";

/** Days before the first features. */
const WARM_UP = FEATURE_SETS.returns.warmUp;

const settings: TrainSettings = {
  target: "price",
  horizon: 1,
  season: 5,
  model: "lstm",
  features: "returns",
  epochs: 1,
  window: 10,
  hidden: 4,
  batchSize: 8,
  learningRate: 1e-3,
  seed: 1,
};

function altered(prices: Prices, from: number): Prices {
  return { ...prices, close: prices.close.map((price, day) => day < from ? price : price * (2 + day % 3)) };
}

/** The prices known on the evening of a day. */
function until(prices: Prices, day: number): Prices {
  return { ...prices, dates: prices.dates.slice(0, day + 1), close: prices.close.slice(0, day + 1) };
}

function split(prices: Prices, { window, horizon }: TrainSettings = settings) {
  return splitWindows(prices, { window, horizon, warmUp: WARM_UP }, { validation: 0.15, test: 0.15 });
}

for (
  const [target, horizon] of [["price", 1], ["price", 3], ["direction", 1], ["direction", 4], [
    "volatility",
    5,
  ]] as const
) {
  Deno.test(`${target} over ${horizon}: scores match the test days, and forecasts match those of next() on the same day`, async () => {
    const prices = parsePrices(csv(320), "walk");
    const chosen = { ...settings, target, horizon, epochs: 2 };
    const prepared = prepare(prices, chosen, split(prices, chosen));
    const result = (await trainForecaster(prices, prepared, chosen, { optimizer: adam() }))!;
    const { forecaster, test: { dates, before, actual, forecasts, interval }, scores } = result;
    const model = forecasts.model!;
    const first = prices.dates.length - dates.length - horizon;
    assert.equal(dates.length, prepared.split.test.to - prepared.split.test.from);
    const returns = Array.from(prices.close, (close, day) => Math.log(close / prices.close[day - 1]!));
    const outcome = (day: number) => {
      const close = prices.close[day + horizon]!;
      if (target === "price") return close;
      if (target === "direction") return close > prices.close[day]! ? 1 : 0;
      const squares = returns.slice(day + 1, day + horizon + 1).map((value) => value ** 2);
      return 100 * Math.sqrt(365 * squares.reduce((a, b) => a + b) / horizon);
    };
    const near = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-9 * Math.abs(b), `${a}, expected ${b}`);
    let squares = 0;
    dates.forEach((date, i) => {
      assert.deepEqual([date, before[i]], [prices.dates[first + i + horizon], prices.close[first + i]]);
      near(actual[i]!, outcome(first + i));
      squares += (model[i]! - actual[i]!) ** 2;
    });
    near(scores.model!.mse, squares / dates.length);
    const reference = Object.keys(scores)[1]!;
    assert.equal(reference, { price: "naive", direction: "rate", volatility: "mean" }[target]);
    near(scores.model!.skill, 1 - scores.model!.mse / scores[reference]!.mse);
    for (const i of [0, 7, dates.length - 1]) {
      const { steps } = forecaster.next(until(prices, first + i));
      assert.deepEqual(steps.map(({ ahead }) => ahead), target === "price" ? [1, 2, 3].slice(0, horizon) : [horizon]);
      assert.equal(steps.at(-1)!.value, model[i]);
      assert.deepEqual(
        steps.at(-1)!.interval,
        interval && { coverage: 0.9, low: interval.low[i], high: interval.high[i] },
      );
    }

    if (target === "volatility") assert.equal(result.direction, undefined);
    else {
      const up = (value: number, i: number) => target === "price" ? value > before[i]! : value > 0.5;
      const right = dates.filter((_, i) => up(model[i]!, i) === up(actual[i]!, i)).length;
      assert.equal(result.direction!.accuracy, right / dates.length);
      assert.equal(result.direction!.alwaysUp, actual.filter(up).length / dates.length);
    }
    if (target === "direction") assert.equal(interval, undefined);
    else {
      const inside = actual.filter((value, i) => interval!.low[i]! <= value && value <= interval!.high[i]!).length;
      assert.equal(result.held, inside / dates.length);
    }
  });
}

for (const [target, horizon] of [["price", 2], ["direction", 1], ["volatility", 5]] as const) {
  Deno.test(`${target}: the forecasts made on the first test day, by model and baselines, do not depend on later days`, async () => {
    const prices = parsePrices(csv(320), "walk");
    const chosen = { ...settings, target, horizon };
    const parts = split(prices, chosen);
    const first = parts.test.from + WARM_UP;
    const forecastsOf = async (some: Prices) => {
      const result = await trainForecaster(some, prepare(some, chosen, parts), chosen, { optimizer: adam() });
      const { forecasts, interval } = result!.test;
      return Object.entries({ ...forecasts, ...interval }).map(([name, values]) => [name, values[0]]);
    };
    const found = await forecastsOf(altered(prices, first + 1));
    assert.ok(found.length >= 4);
    assert.deepEqual(found, await forecastsOf(prices));
  });
}

Deno.test("the interval comes from the errors on the validation part, for each day ahead", async () => {
  const prices = parsePrices(csv(300), "walk");
  const chosen = { ...settings, horizon: 2 };
  const prepared = prepare(prices, chosen, split(prices, chosen));
  const { forecaster } = (await trainForecaster(prices, prepared, chosen, { optimizer: adam() }))!;
  const { from, to } = prepared.split.validation;
  [1, 2].forEach((ahead, i) => {
    const errors = Array.from({ length: to - from }, (_, row) => {
      const day = from + row + WARM_UP;
      const { steps } = forecaster.next(until(prices, day));
      return Math.abs(Math.log(steps[i]!.value / prices.close[day + ahead]!));
    }).sort((a, b) => a - b);
    const expected = errors[Math.ceil(0.9 * (errors.length + 1)) - 1]!;
    assert.ok(Math.abs(forecaster.interval!.radii[i]! - expected) < 1e-6);
  });
});

Deno.test("the kept weights are those of the epoch with the smallest validation loss", async () => {
  const prices = parsePrices(csv(300), "walk");
  const prepared = prepare(prices, settings, split(prices));
  const run = { optimizer: adam() };
  const result = (await trainForecaster(prices, prepared, { ...settings, epochs: 4, learningRate: 0.01 }, run))!;
  const losses = result.history.map(({ validationLoss }) => validationLoss!);
  assert.equal(losses.length, 4);
  assert.equal(result.validationLoss, Math.min(...losses));
  assert.equal(losses[result.bestEpoch - 1], result.validationLoss);
  const windows = new Windows({
    features: result.forecaster.scaleFeatures(prepared.features),
    targets: result.forecaster.scaleTargets(prepared.targets),
    past: settings.window,
    ahead: 0,
    batchSize: settings.batchSize,
    ...prepared.split.validation,
  });
  const loss = await evaluate(result.forecaster.network, { loss: meanSquaredError, batches: windows });
  assert.equal(loss, result.validationLoss);
  assert.equal(result.gradientFlow!.length, settings.window);
  assert.ok(result.gradientFlow!.every((norm) => norm > 0));
});

Deno.test("scalers are fitted to the training part alone: later prices do not change them", () => {
  const prices = parsePrices(csv(300), "walk");
  const parts = split(prices);
  const { config } = prepare(prices, settings, parts);
  // The last training target is the return on the day after the training part.
  const moved = prepare(altered(prices, parts.train.to + WARM_UP + 1), settings, parts);
  assert.deepEqual(moved.config, config);
});

Deno.test("ranks with another seed or other prices are refused before they train", async () => {
  const [prices, other] = [parsePrices(csv(320), "walk"), parsePrices(csv(320, 2), "walk")];
  for (
    const [second, series, message] of [
      [{ ...settings, seed: 2 }, prices, /got on rank 1 seed 2 instead of 1; start every rank/],
      [{ ...settings, target: "direction" }, prices, /got on rank 1 target "direction" instead of "price";/],
      [settings, other, /got on rank 1 another close;/],
    ] as const
  ) {
    const runs = inProcess(2).map((communicator, rank) => {
      const [of, chosen] = rank === 0 ? [prices, settings] : [series, second];
      return trainForecaster(of, prepare(of, chosen, split(of)), chosen, { optimizer: adam(), communicator });
    });
    for (const outcome of await Promise.allSettled(runs)) {
      assert.equal(outcome.status, "rejected");
      assert.match((outcome as PromiseRejectedResult).reason.message, message);
    }
  }
});
