import { Random, tensor } from "@unfold/core";
import assert from "node:assert/strict";
import { Ridge } from "./ridge.ts";

/** Windows of two days and two features, and what `target` makes of them. */
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

Deno.test("least squares find a line without noise, whatever the batches, and learn the last target column", () => {
  const batches = batchesOf(60, 1, line);
  const ridge = Ridge.fit(batches);
  const [{ x, y }] = batchesOf(30, 2, line) as [typeof batches[number]];
  ridge.predict(x).forEach((value, i) => assert.ok(Math.abs(value - y.data[2 * i + 1]!) < 1e-4));
});

Deno.test("a column that others add up to, and one that never changes, do no harm", () => {
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

Deno.test("the penalty is chosen by the validation part: all but the mean where there is nothing to learn, little where there is", () => {
  const noise = (_: readonly number[], random: Random) => random.normal(7, 1);
  const spread = (target: typeof noise) => {
    const ridge = Ridge.fit(batchesOf(60, 4, target), batchesOf(20_000, 5, target));
    const predicted = ridge.predict(batchesOf(90, 6, target)[1]!.x);
    return Math.max(...predicted) - Math.min(...predicted);
  };
  assert.ok(spread(noise) < 0.1, `${spread(noise)}`);
  assert.ok(spread(line) > 5, `${spread(line)}`);
});

Deno.test("one column by the textbook: weight = Σ(x − x̄)(y − ȳ)/(Σ(x − x̄)² + n·λ)", () => {
  // The largest of the penalties is the best for a validation part that goes the other way.
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
