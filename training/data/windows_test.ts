import { Random } from "@unfold/core";
import { Dense, LastStep, meanSquaredError, Sequential } from "@unfold/layers";
import { Optimizer, sgd } from "@unfold/optimizers";
import fc from "fast-check";
import assert from "node:assert/strict";
import { evaluate } from "../evaluate.ts";
import { train } from "../train.ts";
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
        const windows = new Windows({ features, targets, past, ahead: 0, batchSize, ...random });
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

Deno.test("horizons give a target each, stride skips windows, and every window that fits is there", () => {
  const steps = fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      steps.map((all) => all.toSorted((a, b) => a - b)),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(12),
      (past, horizons, stride, columns, extra) => {
        const rows = past + horizons.at(-1)! + extra;
        const [features, targets] = [series(rows, 1), series(rows, columns, 1000)];
        const windows = new Windows({ features, targets, past, horizons, stride, batchSize: 3 });
        const lasts: number[] = [];
        for (const { x, y } of windows) {
          const width = horizons.length * columns;
          assert.deepEqual(y.shape, [x.shape[0], width]);
          for (let row = 0; row < x.shape[0]!; row++) {
            const last = x.data[(row + 1) * past - 1]!;
            const target = horizons.flatMap((
              steps,
            ) => [...targets.data.subarray((last + steps) * columns, (last + steps + 1) * columns)]);
            assert.deepEqual([...y.data.slice(row * width, (row + 1) * width)], target);
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

Deno.test("a target is one row ahead of its window unless ahead says otherwise", () => {
  const all = (options: object) => {
    const windows = new Windows({ features: series(6, 1), targets: series(6, 1), past: 2, batchSize: 9, ...options });
    return Array.from(windows, ({ x, y }) => [x.toArray(), y.toArray()])[0];
  };
  assert.deepEqual(all({ from: 3 }), [[[[2], [3]], [[3], [4]]], [[4], [5]]]);
  assert.deepEqual(all({ ahead: 3 }), [[[[0], [1]], [[1], [2]]], [[4], [5]]]);
  assert.deepEqual(all({ ahead: 3 }), all({ horizons: [3] }));
});

Deno.test("white noise cannot be forecast: no window holds its target", async () => {
  const random = new Random(1);
  const noise = { data: Float32Array.from({ length: 600 }, () => random.normal()), columns: 1 };
  const part = { features: noise, targets: noise, past: 3, batchSize: 50 };
  const model = new Sequential([new LastStep(), new Dense({ inputSize: 1, outputSize: 1, random })]);
  const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
  const batches = new Windows({ ...part, to: 400, random });
  for await (const _ of train({ model, optimizer, loss: meanSquaredError, batches, epochs: 20 }));
  const loss = await evaluate(model, { loss: meanSquaredError, batches: new Windows({ ...part, from: 402 }) });
  assert.ok(loss > 0.7, `${loss}`);
});

Deno.test("a window's weight is that of its last row", () => {
  const weights = [9, 1, 2, 0.5, 9];
  const options = { features: series(5, 1), targets: series(5, 1), past: 2, batchSize: 2, weights };
  assert.deepEqual(Array.from(new Windows(options), ({ weights }) => [...weights!.data]), [[1, 2], [0.5]]);
});

Deno.test("from and to choose where windows end, and each pass shuffles again", () => {
  const options = { features: series(50, 1), targets: series(50, 1), past: 3, batchSize: 100 };
  const order = (windows: Windows) =>
    [...windows].length && [...function* () {
      for (const { y } of windows) yield* y.data;
    }()];
  assert.deepEqual(order(new Windows({ ...options, from: 10, to: 13 })), [11, 12, 13]);
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
  const refuse = (changes: object, message: string, name = "RangeError") =>
    assert.throws(
      () => new Windows({ features: series(6, 1), targets: series(6, 1), past: 3, batchSize: 1, ...changes }),
      { name, message: `Cannot make windows: ${message}` },
    );
  const past = "past must be at most 5, which leaves 1 of the 6 rows for the target ahead, got";
  refuse({ past: 6 }, `${past} 6`);
  refuse({ past: 1e9 }, `${past} 1000000000`);
  refuse({ ahead: 9 }, "past must be at most 0, which leaves 9 of the 6 rows for the target ahead, got 3");
  const range =
    "from and to must be integers with 2 ≤ from < to ≤ 5, which leaves 1 of the 6 rows for the target ahead, got";
  refuse({ from: 1 }, `${range} 1 and 5`);
  refuse({ to: 6 }, `${range} 2 and 6`);
  refuse({ batchSize: 0 }, "batchSize must be an integer of 1 or more, got 0");
  refuse({ stride: 0 }, "stride must be an integer of 1 or more, got 0");
  refuse({ targets: series(4, 1) }, "features and targets must have the same number of rows, got 6 and 4", "TypeError");
  const odd = { data: new Float32Array(7), columns: 2 };
  refuse({ features: odd }, "features must have complete rows, got 7 values in 2 columns", "TypeError");
  refuse({ targets: odd }, "targets must have complete rows, got 7 values in 2 columns", "TypeError");
  refuse({ features: { data: odd.data, columns: 0 } }, "features.columns must be an integer of 1 or more, got 0");
  refuse({ ahead: 1.5 }, "ahead must be an integer of 0 or more, got 1.5");
  refuse({ ahead: -1 }, "ahead must be an integer of 0 or more, got -1");
  refuse({ horizons: [] }, "horizons must be ascending integers of 0 or more, got none");
  refuse({ horizons: [2, 1] }, "horizons must be ascending integers of 0 or more, got 2, 1");
  refuse({ horizons: [1], ahead: 1 }, "only one of ahead and horizons must be given, got both", "TypeError");
  refuse({ horizon: 3 }, "horizons must list the steps ahead, got horizon 3", "TypeError");
  refuse({ weights: [1] }, "weights must have one per row, 6, got 1", "TypeError");
  refuse({ weights: [1, 1, 1, -1, 1, 1] }, "weights must be finite and 0 or more, got -1 for row 3");
  const same = series(6, 1);
  refuse(
    { features: same, targets: same, ahead: 0 },
    "ahead must be 1 or more for targets that are the features, got 0, the last row of the window itself",
  );
});
