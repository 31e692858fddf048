import { Random } from "@unfold/core";
import { adam } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { MODEL } from "./judge.ts";
import type { Prices } from "./prices.ts";
import { cutOf, splitWindows } from "./split.ts";
import { prepare, trainForecaster, type TrainSettings } from "./train.ts";
import { isBetter } from "./wording.ts";

const settings: TrainSettings = {
  target: "price",
  horizon: 1,
  season: 5,
  model: "lstm",
  features: "returns",
  epochs: 20,
  window: 10,
  hidden: 16,
  batchSize: 32,
  learningRate: 5e-3,
  seed: 1,
};

const DEVIATION = 0.01;

/** Prices whose log returns are an expected value, given the earlier returns, plus noise. */
function planted(days: number, seed: number, expected: (returns: readonly number[]) => number): Prices {
  const random = new Random(seed);
  const returns: number[] = [];
  let log = 0;
  const close = Float64Array.from({ length: days }, () => {
    returns.push(expected(returns) + random.normal(0, DEVIATION));
    log += returns.at(-1)!;
    return 100 * Math.exp(log);
  });
  const dates = Array.from(
    { length: days },
    (_, day) => new Date(Date.UTC(1990, 0, 1 + day)).toISOString().slice(0, 10),
  );
  return { file: "planted", dates, close, more: {}, warnings: [] };
}

async function testOn(prices: Prices, chosen: TrainSettings) {
  const split = splitWindows(prices, cutOf(chosen), { validation: 0.15, test: 0.15 });
  return (await trainForecaster(prices, prepare(prices, chosen, split), chosen, { optimizer: adam() }))!;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Signals by name: each gives the best possible forecast of the next return. */
const signals: Record<string, (returns: readonly number[]) => number> = {
  "an autoregression": (returns) => 0.6 * (returns.at(-1) ?? 0) - 0.3 * (returns.at(-2) ?? 0),
  // A threshold autoregression: a rise continues, a fall reverses. A linear model finds little of it.
  "two regimes": (returns) => {
    const last = returns.at(-1) ?? 0;
    return (last > 0 ? 0.9 : -0.9) * last - 0.7 * DEVIATION;
  },
};

for (const [name, expected] of Object.entries(signals)) {
  Deno.test(`${name}: the LSTM reaches 90 % of the attainable skill, significantly`, async () => {
    const prices = planted(10_000, 1, expected);
    const { test, scores, direction } = await testOn(prices, settings);
    const returns = Array.from(prices.close, (close, day) => Math.log(close / (prices.close[day - 1] ?? 100)));
    const first = prices.dates.length - test.dates.length;
    const best = test.dates.map((_, i) => test.before[i]! * Math.exp(expected(returns.slice(0, first + i))));
    const bestError = mean(best.map((forecast, i) => (forecast - test.actual[i]!) ** 2));
    const attainable = 1 - bestError / scores.naive!.mse;
    const { skill } = scores[MODEL]!;
    assert.ok(attainable > 0.15, `${attainable}`);
    assert.ok(skill >= 0.9 * attainable, `${skill} of ${attainable}`);
    assert.ok(scores.naive!.comparison!.pValue < 0.001);
    if (name === "two regimes") assert.ok(skill > 1.2 * scores.ridge!.skill, `ridge ${scores.ridge!.skill}, ${skill}`);
    assert.ok(direction!.low > direction!.alwaysUp);
  });
}

Deno.test("direction: on a planted signal the probabilities beat the base rate, and more than 60 % of directions are right", async () => {
  const prices = planted(10_000, 1, signals["an autoregression"]!);
  const { scores, direction } = await testOn(prices, { ...settings, target: "direction" });
  assert.ok(isBetter(scores));
  assert.ok(scores[MODEL]!.skill > 0.1, `${scores[MODEL]!.skill}`);
  assert.ok(direction!.low > 0.6);
});

Deno.test("volatility: with alternating calm and wild periods the LSTM beats the reference and the mean", async () => {
  const random = new Random(2);
  const calm: boolean[] = [];
  // A period lasts fifty days on average.
  const isCalm = (day: number) => calm[day] ??= random.integer(50) > 0 ? calm[day - 1] ?? true : !calm[day - 1];
  const prices = planted(12_000, 1, (returns) => random.normal(0, isCalm(returns.length) ? 0 : 3 * DEVIATION));
  const { scores, labels } = await testOn(prices, { ...settings, target: "volatility", horizon: 5 });
  assert.ok(isBetter(scores), JSON.stringify(scores));
  assert.ok(scores[MODEL]!.mse < 0.7 * scores.mean!.mse && Object.keys(labels)[0] === "ewma");
});

for (
  const [target, horizon] of [["price", 1], ["price", 5], ["direction", 1], ["volatility", 1], [
    "volatility",
    5,
  ]] as const
) {
  Deno.test(`${target} over ${horizon}: on random walks, the app claims skill for at most 1 of 20 seeds`, async () => {
    const claims: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const chosen = { ...settings, target, horizon, seed, epochs: 3 };
      const { scores } = await testOn(planted(1000, seed, () => 0), chosen);
      if (isBetter(scores)) claims.push(seed);
    }
    assert.ok(claims.length <= 1, `seeds ${claims}`);
  });
}
