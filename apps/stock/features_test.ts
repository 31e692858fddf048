import assert from "node:assert/strict";
import { csv } from "./_testing.ts";
import { FEATURE_SETS, featuresOf } from "./features.ts";
import { parsePrices, type Prices } from "./prices.ts";

const { book, returns } = FEATURE_SETS;

/** The same prices and volumes before a day, different ones from that day on. */
function altered(prices: Prices, from: number): Prices {
  const alter = (values: Float64Array) => values.map((value, day) => day < from ? value : value * (2 + day % 3));
  const more = Object.fromEntries(Object.entries(prices.more).map(([name, values]) => [name, alter(values)]));
  return { ...prices, close: alter(prices.close), more };
}

for (const [name, set] of Object.entries(FEATURE_SETS)) {
  Deno.test(`${name}: features do not depend on the future, and all depend on the day itself`, () => {
    const prices = parsePrices(csv(400), "walk", { need: set.columns });
    const { data, columns } = featuresOf(prices, set);
    assert.equal(data.length, (400 - set.warmUp) * columns);
    assert.ok(data.every(Number.isFinite));
    for (const day of [set.warmUp, 300, 398]) {
      const end = (day + 1 - set.warmUp) * columns;
      assert.deepEqual(featuresOf(altered(prices, day + 1), set).data.subarray(0, end), data.subarray(0, end));
      const moved = featuresOf(altered(prices, day), set).data.subarray(end - columns, end);
      assert.ok(moved.every((value, i) => value !== data[end - columns + i]));
    }
  });
}

Deno.test("returns: a day's features, by hand", () => {
  const prices = parsePrices(csv(60), "walk");
  const { data, columns } = featuresOf(prices, returns);
  const day = 45;
  const daily = Array.from({ length: 21 }, (_, i) => Math.log(prices.close[day - i]! / prices.close[day - i - 1]!));
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = (values: number[]) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
  const five = daily.slice(0, 5);
  const expected = [daily[0]!, mean(five), mean(daily), deviation(five), deviation(daily)];
  const row = data.subarray((day - returns.warmUp) * columns, (day - returns.warmUp + 1) * columns);
  row.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) < 1e-8, `feature ${i}: ${value}, expected ${expected[i]}`)
  );
});

Deno.test("book: a day's features, by hand", () => {
  const prices = parsePrices(csv(400), "walk", { need: book.columns });
  const { data, columns } = featuresOf(prices, book);
  const day = 333;
  const row = data.subarray((day - 252) * columns, (day - 251) * columns);
  const feature = (name: string) => row[book.names.indexOf(name)]!;
  const { close, more } = prices;
  const last = (values: ArrayLike<number>, days: number) => Array.from({ length: days }, (_, i) => values[day - i]!);
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  // The sample's, like rolling().std() in pandas.
  const deviation = (values: number[]) =>
    Math.sqrt(values.reduce((total, value) => total + (value - mean(values)) ** 2, 0) / (values.length - 1));
  const daily = Array.from(close, (price, i) => price / close[i - 1]! - 1);
  const volume = more.volume!;
  const expected: Record<string, number> = {
    open: more.open![day]!,
    close: close[day]!,
    high: more.high![day]!,
    low: more.low![day]!,
    volume: volume[day]!,
    "mean price 5": mean(last(close, 5)),
    "mean price 252": mean(last(close, 252)),
    "mean price 5/21": mean(last(close, 5)) / mean(last(close, 21)),
    "deviation price 21": deviation(last(close, 21)),
    "deviation price 21/252": deviation(last(close, 21)) / deviation(last(close, 252)),
    "mean volume 21": mean(last(volume, 21)),
    "mean volume 5/252": mean(last(volume, 5)) / mean(last(volume, 252)),
    "deviation volume 5": deviation(last(volume, 5)),
    "return 1": daily[day]!,
    "return 5": close[day]! / close[day - 5]! - 1,
    "return 252": close[day]! / close[day - 252]! - 1,
    "mean return 21": mean(last(daily, 21)),
  };
  assert.equal(new Set(book.names).size, 36);
  for (const [name, value] of Object.entries(expected)) {
    assert.ok(Math.abs(feature(name) / value - 1) < 1e-5, `${name}: ${feature(name)}, expected ${value}`);
  }
});

Deno.test("book: a constant volume gives no NaN; a missing column is named", () => {
  const text = csv(300).replaceAll(/,\d+$/gm, ",0");
  const { data } = featuresOf(parsePrices(text, "walk", { need: book.columns }), book);
  assert.ok(data.every(Number.isFinite));
  assert.throws(() => parsePrices("date,close\n2020-01-02,1", "file", { need: book.columns }), {
    message: 'Cannot read file: line 1: column open is missing; it has "date", "close"',
  });
  assert.throws(
    () => parsePrices("date,close,open,high,low,volume\n2020-01-02,1,1,1,1,-3", "file", { need: book.columns }),
    {
      message: 'Cannot read file: line 2, column volume: it must be a number from 0 to 1000000000000000, got "-3"',
    },
  );
});
