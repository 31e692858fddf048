import { Random } from "@unfold/core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { Windows } from "./windows.ts";

function series(rows: number, columns: number, first = 0) {
  return { data: Float32Array.from({ length: rows * columns }, (_, i) => first + i), columns };
}

Deno.test("a window holds the rows up to its last one, and the target of that row", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(12),
      fc.option(fc.nat(1e6), { nil: undefined }),
      (past, batchSize, columns, extra, seed) => {
        const rows = past + extra;
        const [features, targets] = [series(rows, columns), series(rows, 1, 1000)];
        const random = seed === undefined ? {} : { random: new Random(seed) };
        const windows = new Windows({ features, targets, past, batchSize, ...random });
        const lasts: number[] = [];
        for (const { x, y } of windows) {
          const [batch] = x.shape as [number];
          assert.deepEqual(x.shape, [batch, past, columns]);
          for (let row = 0; row < batch; row++) {
            const last = y.data[row]! - 1000;
            const window = [...x.data.subarray(row * past * columns, (row + 1) * past * columns)];
            assert.deepEqual(window, [...features.data.subarray((last - past + 1) * columns, (last + 1) * columns)]);
            lasts.push(last);
          }
        }
        const expected = Array.from({ length: extra + 1 }, (_, i) => past - 1 + i);
        assert.deepEqual(seed === undefined ? lasts : lasts.toSorted((a, b) => a - b), expected);
        assert.equal(windows.length, expected.length);
      },
    ),
  );
});

Deno.test("horizon puts several rows into a target, stride skips windows, and every window that fits is there", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(12),
      (past, horizon, stride, columns, extra) => {
        const rows = past + horizon - 1 + extra;
        const [features, targets] = [series(rows, 1), series(rows, columns, 1000)];
        const windows = new Windows({ features, targets, past, horizon, stride, batchSize: 3 });
        const lasts: number[] = [];
        for (const { x, y } of windows) {
          const width = horizon * columns;
          assert.deepEqual(y.shape, [x.shape[0], width]);
          for (let row = 0; row < x.shape[0]!; row++) {
            const last = x.data[(row + 1) * past - 1]!;
            const target = targets.data.subarray(last * columns, (last + horizon) * columns);
            assert.deepEqual(y.data.slice(row * width, (row + 1) * width), target);
            lasts.push(last);
          }
        }
        const ends = Array.from({ length: extra + 1 }, (_, i) => past - 1 + i);
        assert.deepEqual(lasts, ends.filter((_, i) => i % stride === 0));
        assert.equal(windows.length, lasts.length);
      },
    ),
  );
});

Deno.test("from and to choose where windows end, and each pass shuffles again", () => {
  const options = { features: series(50, 1), targets: series(50, 1), past: 3, batchSize: 100 };
  const order = (windows: Windows) =>
    [...windows].length && [...function* () {
      for (const { y } of windows) yield* y.data;
    }()];
  assert.deepEqual(order(new Windows({ ...options, from: 10, to: 13 })), [10, 11, 12]);
  const shuffled = new Windows({ ...options, random: new Random(1) });
  assert.notDeepEqual(order(shuffled), order(shuffled));
});

Deno.test("leaving the loop releases the batch", () => {
  const windows = new Windows({ features: series(9, 1), targets: series(9, 1), past: 2, batchSize: 2 });
  let seen;
  for (const { x } of windows) {
    seen = x;
    break;
  }
  assert.throws(() => seen!.data, /it was disposed/);
});

Deno.test("Windows refuses windows that do not fit and bad options", () => {
  const options = { features: series(5, 1), targets: series(5, 1), past: 3, batchSize: 1 };
  assert.throws(() => new Windows({ ...options, past: 6 }), {
    name: "RangeError",
    message: "Cannot make windows: past 6 and horizon 1 need at least 6 rows, got 5",
  });
  assert.throws(() => new Windows({ ...options, from: 1 }), RangeError);
  assert.throws(() => new Windows({ ...options, to: 6 }), RangeError);
  assert.throws(() => new Windows({ ...options, batchSize: 0 }), /batchSize must be an integer of 1 or more, got 0/);
  assert.throws(
    () => new Windows({ ...options, targets: series(4, 1) }),
    /must have the same number of rows, got 5 and 4/,
  );
  assert.throws(() => new Windows({ ...options, horizon: 1.5 }), /horizon must be an integer of 1 or more, got 1.5/);
  assert.throws(() => new Windows({ ...options, stride: 0 }), /stride must be an integer of 1 or more, got 0/);
  assert.throws(() => new Windows({ ...options, horizon: 3, to: 4 }), {
    name: "RangeError",
    message: "Cannot make windows: from and to must be integers with 2 ≤ from < to ≤ 3, got 2 and 4",
  });
});
