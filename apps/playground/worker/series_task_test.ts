import assert from "node:assert/strict";
import { Forecaster } from "../../stock/forecaster.ts";
import type { Prices } from "../../stock/prices.ts";
import { fromFragment } from "../settings.ts";
import { makePrices } from "./make_task.ts";
import { SeriesTask } from "./series_task.ts";

function near(actual: number, expected: number, tolerance = 1e-6): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual}, ${expected}`);
}

function until({ dates, close, ...rest }: Prices, day: number): Prices {
  return { ...rest, dates: dates.slice(0, day + 1), close: close.slice(0, day + 1) };
}

Deno.test("the forecasts are those of apps/stock from each day, and the skill covers the whole test part", () => {
  const { settings } = fromFragment("data=ar&hidden=6&length=10&cell=gru&layers=2");
  const prices = makePrices("ar");
  const task = new SeriesTask({ settings, prices });
  const forecaster = Forecaster.decode(task.toFile("safetensors"), "file");
  const preview = task.preview();
  assert.ok(preview.kind === "series");
  const { dates, actual, paths, skill } = preview.forecast;
  const { length } = prices.close;
  const first = length - dates.length;
  assert.deepEqual([dates[0], actual[0]], [prices.dates[first], prices.close[first]]);
  assert.equal(paths.length, 9);
  paths.forEach(({ from, values }, i) => {
    assert.equal(first + from, length - 1 - (paths.length - 1 - i) * 20);
    const { steps } = forecaster.next(until(prices, first + from));
    assert.equal(values.length, steps.length);
    steps.forEach(({ value }, ahead) => near(values[ahead]!, value));
  });

  // The test part is the last 15 % of the windows with a target.
  const windows = length - 21 - 9 - 20;
  const from = length - 20 - Math.round(0.15 * windows);
  let [errors, naive] = [0, 0];
  for (let day = length - 21; day >= from; day -= 20) {
    const { steps, close } = forecaster.next(until(prices, day));
    steps.forEach(({ ahead, value }) => {
      errors += (value - prices.close[day + ahead]!) ** 2;
      naive += (close - prices.close[day + ahead]!) ** 2;
    });
  }
  near(skill, 1 - errors / naive);
});

Deno.test("generated series follow their equations and are always the same", () => {
  const { close, dates } = makePrices("ar");
  assert.deepEqual(makePrices("ar").close, close);
  assert.deepEqual([dates[0], dates[31], dates.length], ["2020-01-01", "2020-02-01", 1500]);
  const z = close.map((price) => Math.log(price / 100));
  const noise = z.slice(2).map((value, i) => value - 1.7 * z[i + 1]! + 0.9 * z[i]!);
  const mean = noise.reduce((a, b) => a + b) / noise.length;
  near(mean, 0, 0.002);
  near(Math.sqrt(noise.reduce((a, b) => a + (b - mean) ** 2, 0) / noise.length), 0.02, 0.001);
  const sine = makePrices("sine").close;
  // Both waves repeat after 352 days.
  sine.subarray(352).forEach((value, day) => near(value, sine[day]!, 1e-9));
});
