import { adam } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { csv } from "./_testing.ts";
import { parsePrices, type Prices } from "./prices.ts";
import { splitWindows } from "./split.ts";
import { beforeTest, candidates, tune } from "./tune.ts";

Deno.test("tune does not see the test part of any candidate", async () => {
  const settings = {
    target: "price" as const,
    horizon: 2,
    season: 5,
    features: "returns" as const,
    epochs: 1,
    batchSize: 32,
    validation: 0.15,
    test: 0.15,
    seed: 3,
    folds: 1,
    foldDays: 20,
    trials: 2,
  };
  const prices = parsePrices(csv(300), "walk");
  const known = beforeTest(prices, settings);
  const end = known.dates.length;
  for (const window of [5, 10, 20, 30, 60]) {
    const { test } = splitWindows(prices, { window, warmUp: 21, horizon: 2 }, settings);
    // The last visible day is not after the day on which the first test forecast is made.
    assert.ok(end - 1 <= test.from + 21);
  }
  assert.ok(end > 230);
  const altered: Prices = {
    ...prices,
    close: prices.close.map((price, day) => day < end ? price : price * (2 + day % 3)),
  };
  const trials = async (some: Prices) => {
    const found = [];
    const run = { done: 0, makeOptimizer: () => Promise.resolve(adam()), signal: new AbortController().signal };
    for await (const trial of tune(some, settings, run)) found.push(trial);
    return found;
  };
  assert.deepEqual(await trials(altered), await trials(prices));
  const some = Array.from({ length: 200 }, ((all) => () => all.next().value)(candidates(1)));
  assert.equal(new Set(some.map(({ model }) => model)).size, 4);
  assert.ok(some.every(({ learningRate }) => learningRate >= 1e-4 && learningRate <= 1e-2));
});
