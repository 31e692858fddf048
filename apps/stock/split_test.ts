import assert from "node:assert/strict";
import { csv } from "./_testing.ts";
import { FEATURE_SETS } from "./features.ts";
import { parsePrices } from "./prices.ts";
import { splitFolds, splitWindows } from "./split.ts";

/** Days before the first features. */
const WARM_UP = FEATURE_SETS.returns.warmUp;

Deno.test("training, validation and test follow each other, and no target of one part is in the next", () => {
  const prices = parsePrices(csv(300), "walk");
  for (const horizon of [1, 6]) {
    const { train, validation, test } = splitWindows(
      prices,
      { window: 10, horizon, warmUp: WARM_UP },
      { validation: 0.15, test: 0.15 },
    );
    assert.deepEqual([train.from, test.to], [9, 300 - WARM_UP - horizon]);
    // The last day of the last target is the day on which the next part makes its first forecast.
    assert.deepEqual([train.to - 1 + horizon, validation.to - 1 + horizon], [validation.from, test.from]);
    assert.ok(train.to > train.from && validation.to > validation.from && test.to > test.from);
  }
});

Deno.test("folds are consecutive up to the end, each with everything before it for training", () => {
  const prices = parsePrices(csv(400), "walk");
  const cut = { window: 10, warmUp: WARM_UP, horizon: 3 };
  const folds = splitFolds(prices, cut, { folds: 3, foldDays: 40, validation: 0.2 });
  const end = 400 - WARM_UP - 3;
  assert.deepEqual(folds.map(({ test }) => [test.from, test.to]), [[end - 120, end - 80], [end - 80, end - 40], [
    end - 40,
    end,
  ]]);
  for (const { train, validation, test } of folds) {
    assert.equal(train.from, 9);
    assert.deepEqual([train.to + 2, validation.to + 2], [validation.from, test.from]);
    assert.equal(validation.to - validation.from, Math.round((validation.to - 9) * 0.2));
  }
  assert.throws(() => splitFolds(prices, cut, { folds: 9, foldDays: 40, validation: 0.2 }), {
    message:
      "Cannot test on walk: there must be at least 24 windows before 9 folds of 40 days, got 7; try fewer --folds or " +
      "--fold-days",
  });
});
