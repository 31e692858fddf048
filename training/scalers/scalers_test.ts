import { Random } from "@unfold/core";
import fc from "fast-check";
import assert from "node:assert/strict";
import type { Series } from "../data/windows.ts";
import { MinMaxScaler, RobustScaler, StandardScaler } from "./affine.ts";
import { loadScaler } from "./load.ts";
import { LogScaler } from "./log.ts";

const FITS = {
  standard: StandardScaler.fit,
  minMax: MinMaxScaler.fit,
  robust: RobustScaler.fit,
  log: (series: Series) => LogScaler.fit(series, { offset: 2000 }),
};

const series: fc.Arbitrary<Series> = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 12 })).chain((
  [columns, rows],
) =>
  fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: rows * columns, maxLength: rows * columns })
    .map((values) => ({ data: Float32Array.from(values, (value) => value / 1000), columns }))
);

for (const [kind, fit] of Object.entries(FITS)) {
  Deno.test(`${kind}: inverse undoes transform, and a scaler restored from JSON is equal`, () => {
    fc.assert(fc.property(series, (series) => {
      const scaler = fit(series);
      assert.equal(scaler.state.kind, kind);
      const scaled = scaler.transform(series);
      const back = scaler.inverse(scaled);
      assert.equal(back.columns, series.columns);
      back.data.forEach((value, i) => assert.ok(Math.abs(value - series.data[i]!) <= 2e-3, `${value}`));
      const loaded = loadScaler(JSON.parse(JSON.stringify(scaler.state)));
      assert.deepEqual(loaded, scaler);
      assert.deepEqual(loaded.transform(series), scaled);
    }));
  });
}

Deno.test("StandardScaler scales each column to mean 0 and deviation 1, and a constant column to 0", () => {
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

Deno.test("MinMaxScaler scales each column to [0, 1], and a constant column to 0", () => {
  fc.assert(fc.property(series, ({ data, columns }) => {
    const scaled = MinMaxScaler.fit({ data, columns }).transform({ data, columns });
    for (let column = 0; column < columns; column++) {
      const values = scaled.data.filter((_, i) => i % columns === column);
      const constant = data.every((value, i) => i % columns !== column || value === data[column]);
      assert.deepEqual([Math.min(...values), Math.max(...values)], [0, constant ? 0 : 1]);
    }
  }));
});

Deno.test("RobustScaler matches NumPy's medians and interquartile ranges, for odd and even numbers of rows", () => {
  const rows = [[1, 10, -2], [4, 10, 0.5], [2, 10, 7], [9, 11, 3], [3, 10, 100]];
  const fit = (count: number) =>
    RobustScaler.fit({ data: Float32Array.from(rows.slice(0, count).flat()), columns: 3 }).state;
  // q = np.percentile(rows, [25, 50, 75], axis=0); q[1], q[2] - q[0]; the second column's range of 0 becomes 1
  assert.deepEqual(fit(5), { kind: "robust", median: [3, 10, 3], range: [2, 1, 6.5] });
  assert.deepEqual(fit(4), { kind: "robust", median: [3, 10, 1.75], range: [3.5, 0.25, 4.125] });
});

Deno.test("LogScaler takes log x, or log1p x for an offset of 1, and is precise near 0 in both directions", () => {
  const data = Float32Array.of(1e-20, 1e-8, 0.5, 1, 1e6);
  const log = LogScaler.fit({ data, columns: 1 });
  assert.deepEqual(log.transform({ data, columns: 1 }).data, data.map(Math.log));
  const log1p = LogScaler.fit({ data, columns: 1 }, { offset: 1 });
  const scaled = log1p.transform({ data, columns: 1 });
  assert.deepEqual(scaled.data, data.map(Math.log1p));
  log1p.inverse(scaled).data.forEach((x, i) => assert.ok(Math.abs(x / data[i]! - 1) < 1e-5, `${x}`));
});

Deno.test("LogScaler names the row and column of a value without a logarithm", () => {
  const scaler = new LogScaler({ offset: 1 });
  const bad: [number, string][] = [[-1, "-1"], [NaN, "NaN"], [Infinity, "Infinity"]];
  for (const [value, shown] of bad) {
    const series = { data: Float32Array.of(1, 1, 1, value), columns: 2 };
    const message = `Cannot take logarithms: row 1, column 1 must be a finite number above -1, got ${shown}`;
    assert.throws(() => scaler.transform(series), { name: "RangeError", message });
    assert.throws(() => LogScaler.fit(series, { offset: 1 }), { name: "RangeError", message });
  }
  assert.throws(() => LogScaler.fit({ data: Float32Array.of(0), columns: 1 }), /above 0, got 0/);
  assert.throws(() => LogScaler.fit({ data: Float32Array.of(1), columns: 1 }, { offset: -1 }), {
    name: "RangeError",
    message: "Cannot make a LogScaler: offset must be a finite number of 0 or more, got -1",
  });
});

Deno.test("scalers refuse a series that they cannot fit, or with another number of columns", () => {
  for (const [name, fit] of Object.entries({ MinMaxScaler: MinMaxScaler.fit, RobustScaler: RobustScaler.fit })) {
    assert.throws(() => fit({ data: new Float32Array(3), columns: 2 }), {
      name: "RangeError",
      message: `Cannot fit a ${name}: the series must have one or more complete rows, got 3 values in 2 columns`,
    });
    assert.throws(() => fit({ data: Float32Array.of(1, 2, 3, Infinity), columns: 2 }), {
      name: "RangeError",
      message: `Cannot fit a ${name}: column 1 must hold finite values, got Infinity in row 1`,
    });
    const scaler = fit({ data: Float32Array.of(1, 2), columns: 2 });
    for (const map of ["transform", "inverse"] as const) {
      assert.throws(() => scaler[map]({ data: Float32Array.of(1), columns: 1 }), {
        name: "TypeError",
        message: "Cannot scale: the series must have 2 columns, got 1",
      });
    }
  }
});

Deno.test("StandardScaler refuses bad series and states", () => {
  assert.throws(
    () => StandardScaler.fit({ data: new Float32Array(0), columns: 1 }),
    /one or more complete rows, got 0 values in 1 columns/,
  );
  assert.throws(
    () => StandardScaler.fit({ data: Float32Array.of(1, NaN), columns: 1 }),
    /column 0 must hold finite values/,
  );
  assert.throws(() => new StandardScaler({ mean: [0], deviation: [0] }), /each deviation above 0, got \[0\] and \[0\]/);
  const scaler = new StandardScaler({ mean: [0], deviation: [1] });
  assert.throws(() => scaler.transform({ data: new Float32Array(4), columns: 2 }), /must have 1 columns, got 2/);
});

Deno.test("loadScaler refuses states that no scaler saved", () => {
  const affine = (scaler: string, shift: string, scale: string) =>
    `Cannot make a ${scaler}: ${shift} and ${scale} must be lists of finite numbers of the same length, each ${scale} above 0, got `;
  const kinds = "Cannot load a scaler: kind must be one of standard, minMax, robust, log, got ";
  const refused: [unknown, string][] = [
    [undefined, `${kinds}undefined`],
    [null, `${kinds}undefined`],
    [{ mean: [0], deviation: [1] }, `${kinds}undefined`],
    [{ kind: "toString" }, `${kinds}"toString"`],
    [{ kind: "standard", mean: [0] }, `${affine("StandardScaler", "mean", "deviation")}[0] and undefined`],
    [
      { kind: "minMax", minimum: "0", range: [1] },
      `${affine("MinMaxScaler", "minimum", "range")}"0" and [1]`,
    ],
    [{ kind: "robust", median: [0], range: [0] }, `${affine("RobustScaler", "median", "range")}[0] and [0]`],
    [{ kind: "robust", median: [0, 1], range: [1] }, `${affine("RobustScaler", "median", "range")}[0, 1] and [1]`],
    [{ kind: "robust", median: ["0"], range: [1] }, `${affine("RobustScaler", "median", "range")}[0] and [1]`],
    [{ kind: "log", offset: NaN }, "Cannot make a LogScaler: offset must be a finite number of 0 or more, got NaN"],
    [{ kind: "log" }, "Cannot make a LogScaler: offset must be a finite number of 0 or more, got undefined"],
    [{ kind: "log", offset: "1" }, 'Cannot make a LogScaler: offset must be a finite number of 0 or more, got "1"'],
  ];
  for (const [state, message] of refused) {
    assert.throws(() => loadScaler(state), { name: message.includes("offset") ? "RangeError" : "TypeError", message });
  }
});
