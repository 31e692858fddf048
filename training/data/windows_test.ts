import { Random } from "@unfold/core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { StandardScaler } from "../scalers/affine.ts";
import { Windows } from "./windows.ts";

function series(rows: number, columns: number, first = 0) {
  return { data: Float32Array.from({ length: rows * columns }, (_, i) => first + i), columns };
}

Deno.test("windows hold the rows up to their last one, and the target of that one", () => {
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

Deno.test("horizon gives the rows to come as one, stride leaves out windows, and all that fit are there", () => {
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

Deno.test("from and to choose where windows end; each pass shuffles anew", () => {
  const options = { features: series(50, 1), targets: series(50, 1), past: 3, batchSize: 100 };
  const order = (windows: Windows) =>
    [...windows].length && [...function* () {
      for (const { y } of windows) yield* y.data;
    }()];
  assert.deepEqual(order(new Windows({ ...options, from: 10, to: 13 })), [10, 11, 12]);
  const shuffled = new Windows({ ...options, random: new Random(1) });
  assert.notDeepEqual(order(shuffled), order(shuffled));
});

Deno.test("batches are released when the loop is left", () => {
  const windows = new Windows({ features: series(9, 1), targets: series(9, 1), past: 2, batchSize: 2 });
  let seen;
  for (const { x } of windows) {
    seen = x;
    break;
  }
  assert.throws(() => seen!.data, /it was disposed/);
});

Deno.test("windows that do not fit are refused", () => {
  const options = { features: series(5, 1), targets: series(5, 1), past: 3, batchSize: 1 };
  assert.throws(() => new Windows({ ...options, past: 6 }), {
    name: "RangeError",
    message: "Cannot make windows of 6 rows that end in rows 5 to 4: these must lie within rows 5 to 4 of the series",
  });
  assert.throws(() => new Windows({ ...options, from: 1 }), RangeError);
  assert.throws(() => new Windows({ ...options, to: 6 }), RangeError);
  assert.throws(() => new Windows({ ...options, batchSize: 0 }), /batchSize must be an integer of 1 or more, got 0/);
  assert.throws(() => new Windows({ ...options, targets: series(4, 1) }), /equally many rows, got 5 and 4/);
  assert.throws(() => new Windows({ ...options, horizon: 1.5 }), /horizon must be an integer of 1 or more, got 1.5/);
  assert.throws(() => new Windows({ ...options, stride: 0 }), /stride must be an integer of 1 or more, got 0/);
  assert.throws(() => new Windows({ ...options, horizon: 3, to: 4 }), {
    name: "RangeError",
    message:
      "Cannot make windows of 3 rows that end in rows 2 to 3: these must lie within rows 2 to 2 of the series with " +
      "a horizon of 3",
  });
});

Deno.test("a scaler is fitted by column, goes there and back, and leaves a constant column alone", () => {
  const random = new Random(2);
  const data = Float32Array.from({ length: 300 }, (_, i) => i % 3 === 2 ? 0.1 : random.normal(5, 1 + i % 3));
  const scaler = StandardScaler.fit({ data, columns: 3 });
  const scaled = scaler.transform({ data, columns: 3 });
  for (const column of [0, 1]) {
    const values = scaled.data.filter((_, i) => i % 3 === column);
    const mean = values.reduce((a, b) => a + b, 0) / 100;
    assert.ok(Math.abs(mean) < 1e-6);
    assert.ok(Math.abs(values.reduce((total, v) => total + v * v, 0) / 100 - 1) < 1e-5);
  }
  assert.ok(scaled.data.filter((_, i) => i % 3 === 2).every((value) => Math.abs(value) < 1e-6));
  scaler.inverse(scaled).data.forEach((value, i) => assert.ok(Math.abs(value - data[i]!) < 1e-5));
  assert.deepEqual(
    new StandardScaler(JSON.parse(JSON.stringify(scaler.state))).transform({ data, columns: 3 }),
    scaled,
  );
});

Deno.test("a scaler refuses what it cannot use", () => {
  assert.throws(
    () => StandardScaler.fit({ data: new Float32Array(0), columns: 1 }),
    /whole rows, at least one, got 0 numbers in 1 columns/,
  );
  assert.throws(
    () => StandardScaler.fit({ data: Float32Array.of(1, NaN), columns: 1 }),
    /column 0 must hold finite numbers/,
  );
  assert.throws(() => new StandardScaler({ mean: [0], deviation: [0] }), /deviations above 0, got \[0\] and \[0\]/);
  const scaler = new StandardScaler({ mean: [0], deviation: [1] });
  assert.throws(() => scaler.transform({ data: new Float32Array(4), columns: 2 }), /must have 1 columns, got 2/);
});
