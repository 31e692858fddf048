import fc from "fast-check";
import assert from "node:assert/strict";
import { rollingOrigin, type RollingOriginOptions, splitByTime } from "./splits.ts";
import { Windows } from "./windows.ts";

Deno.test("splitByTime gives consecutive parts with the gap between them, up to the end", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 60, max: 1000 }),
      fc.double({ min: 0.01, max: 0.4, noNaN: true }),
      fc.double({ min: 0.01, max: 0.4, noNaN: true }),
      fc.nat(5),
      (count, validation, test, gap) => {
        const parts = splitByTime(count, { validation, test, gap });
        assert.deepEqual([parts.train.from, parts.test.to], [0, count]);
        assert.deepEqual([parts.train.to + gap, parts.validation.to + gap], [parts.validation.from, parts.test.from]);
        assert.equal(parts.validation.to - parts.validation.from, Math.round(count * validation));
        assert.equal(parts.test.to - parts.test.from, Math.round(count * test));
        assert.ok(parts.train.to > 0);
      },
    ),
  );
});

Deno.test("with a gap of horizon − 1 no two parts share a target", () => {
  const rows = { data: Float32Array.from({ length: 60 }, (_, i) => i), columns: 1 };
  const [past, horizon] = [4, 3];
  const { train, validation, test } = splitByTime(60 - horizon + 1, { validation: 0.2, test: 0.2, gap: horizon - 1 });
  const targets = [{ ...train, from: past - 1 }, validation, test].flatMap((part) => {
    const windows = new Windows({ features: rows, targets: rows, past, horizon, batchSize: 100, ...part });
    return [...new Set(Array.from(windows, ({ y }) => [...y.data]).flat())];
  });
  assert.deepEqual(targets, Array.from({ length: 60 - past + 1 }, (_, i) => past - 1 + i));
});

Deno.test("splitByTime refuses empty parts and bad options", () => {
  const refuse = (count: number, validation: number, test: number, gap: number, message: string) =>
    assert.throws(() => splitByTime(count, { validation, test, gap }), { name: "RangeError", message });
  refuse(1.5, 0.1, 0.1, 0, "Cannot split by time: count must be an integer of 0 or more, got 1.5");
  refuse(10, 0.1, 0.1, -1, "Cannot split by time: gap must be an integer of 0 or more, got -1");
  refuse(10, 0, 0.1, 0, "Cannot split by time: validation must be a fraction above 0 and below 1, got 0");
  refuse(10, 0.1, NaN, 0, "Cannot split by time: test must be a fraction above 0 and below 1, got NaN");
  refuse(4, 0.1, 0.5, 0, "Cannot split 4 rows by time: the validation part must have at least one row, got 0");
  refuse(4, 0.5, 0.1, 0, "Cannot split 4 rows by time: the test part must have at least one row, got 0");
  refuse(10, 0.5, 0.5, 0, "Cannot split 10 rows by time: the train part must have at least one row, got 0");
  refuse(10, 0.4, 0.4, 5, "Cannot split 10 rows by time: the train part must have at least one row, got 0");
});

Deno.test("rollingOrigin tests on the end of the series, and trains only on what precedes each test part", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(4),
      fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
      fc.nat(20),
      (folds, test, gap, window, extra) => {
        const count = folds * test + gap + (window ?? 1) + extra;
        const parts = rollingOrigin(count, { folds, test, gap, ...(window !== undefined && { window }) });
        assert.equal(parts.length, folds);
        parts.forEach((fold, i) => {
          assert.deepEqual(fold.test, { from: count - (folds - i) * test, to: count - (folds - i - 1) * test });
          assert.equal(fold.train.to, fold.test.from - gap);
          assert.equal(fold.train.from, window === undefined ? 0 : fold.train.to - window);
          assert.ok(fold.train.from >= 0 && fold.train.from < fold.train.to);
        });
      },
    ),
  );
});

Deno.test("rollingOrigin refuses folds that do not fit and bad options", () => {
  const refuse = (count: number, changes: Partial<RollingOriginOptions>, message: string) =>
    assert.throws(() => rollingOrigin(count, { folds: 2, test: 3, ...changes }), {
      name: "RangeError",
      message: `Cannot make folds: ${message}`,
    });
  refuse(NaN, {}, "count must be an integer of 1 or more, got NaN");
  refuse(10, { folds: 0 }, "folds must be an integer of 1 or more, got 0");
  refuse(10, { test: 1.5 }, "test must be an integer of 1 or more, got 1.5");
  refuse(10, { gap: -1 }, "gap must be an integer of 0 or more, got -1");
  refuse(10, { window: 0 }, "window must be an integer of 1 or more, got 0");
  refuse(6, {}, "with these options a series must have at least 7 rows, got 6");
  refuse(10, { gap: 1, window: 4 }, "with these options a series must have at least 11 rows, got 10");
});
