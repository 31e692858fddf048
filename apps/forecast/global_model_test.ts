import assert from "node:assert/strict";
import { empty, Random, scope, slice, tensor } from "@unfold/core";
import { checkOp } from "@unfold/core/testing";
import { Forecaster } from "./forecaster.ts";
import { type GlobalModel, scaleFor, sizesFor, trainGlobal } from "./global_model.ts";
import { GlobalNetwork, pinballLoss } from "./network.ts";
import { HIGH, LEVELS, LOW, MEDIAN } from "./quantiles.ts";
import { errorScales, FixedWindows, lastOrigins, RandomWindows, scaleWindow } from "./windows.ts";

const SIZES = { cell: "gru", hidden: 8, dropout: 0, segment: 4, past: 3, ahead: 2, series: 2 } as const;

/** Series with a season of four steps, at different levels. */
function seasonal(count: number, length: number): Float64Array[] {
  const random = new Random(5);
  return Array.from(
    { length: count },
    (_, i) =>
      Float64Array.from(
        { length },
        (_, t) => 10 ** (i % 3) * (20 + [5, -3, -6, 4][(t + i) % 4]! + 0.02 * t + random.normal(0, 0.3)),
      ),
  );
}

Deno.test("the pinball loss is twice the mean quantile loss, and steps beyond the horizon do not count", () => {
  const y = Float64Array.from({ length: 2 * 3 }, (_, i) => Math.sin(i));
  checkOp({
    op: (prediction) => {
      const target = tensor(Array.from(y), { shape: [2, 3] });
      return pinballLoss(prediction!, target);
    },
    oracle: (prediction) => {
      let total = 0;
      for (let b = 0; b < 2; b++) {
        for (let h = 0; h < 3; h++) {
          LEVELS.forEach((q, level) => {
            const error = y[b * 3 + h]! - prediction!.data[(b * 4 + h) * LEVELS.length + level]!;
            total += 2 * Math.max(q * error, (q - 1) * error) / (2 * 3 * LEVELS.length);
          });
        }
      }
      return { shape: [], data: Float64Array.of(total) };
    },
    shapes: [[2, 4, LEVELS.length]],
  });
});

Deno.test("windows with weights count in proportion to them", () => {
  using _ = scope();
  const random = new Random(4);
  const draw = (shape: number[]) =>
    tensor(Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()), { shape });
  const [prediction, target] = [draw([2, 3, LEVELS.length]), draw([2, 3])];
  const of = (b: number) => {
    const rows = [prediction, target].map((one) => slice(one, { axis: 0, start: b, end: b + 1 }));
    return pinballLoss(rows[0]!, rows[1]!).item();
  };
  const loss = pinballLoss(prediction, target, { weights: tensor([1, 3]) });
  assert.equal(loss.count, 4);
  assert.ok(Math.abs(loss.item() - (of(0) + 3 * of(1)) / 4) < 1e-6);
});

Deno.test("the network's gradients reach all of its parameters", () => {
  const network = new GlobalNetwork(SIZES, new Random(1));
  using _ = scope();
  const random = new Random(2);
  const x = empty([3, 13]);
  x.data.forEach((_, i) => x.data[i] = i % 13 === 12 ? Math.floor(i / 13) : random.normal());
  const output = network.forward(x);
  assert.deepEqual(output.shape, [3, 8, LEVELS.length]);
  pinballLoss(output, tensor(Array.from({ length: 3 * 7 }, () => random.normal()), { shape: [3, 7] })).backward();
  for (const [name, { grad }] of Object.entries(network.parameters())) {
    assert.ok(grad.data.some((value) => value !== 0), name);
  }
});

Deno.test("windows are scaled by their own mean and deviation, and padded before a series begins", () => {
  const to = new Float32Array(4);
  const { place, unit } = scaleWindow(Float64Array.of(9, 1, 3, 1, 3), to);
  assert.deepEqual([place, unit, ...to], [2, 1, -1, 1, -1, 1]);
  scaleWindow(Float64Array.of(1, 3, 7), to, { end: 2 });
  assert.deepEqual([...to], [0, 0, -1, 1]);
  scaleWindow(Float64Array.of(5, 5, 5, 5), to);
  assert.deepEqual([...to], [0, 0, 0, 0]);
  assert.deepEqual(scaleWindow(Float64Array.of(2, 8, 5), to, { scaling: "last" }), { place: 5, unit: 1 });
  assert.deepEqual([...to], [0, -3, 3, 0]);
});

Deno.test("random windows stay within what may be used, and their targets follow them", () => {
  const series = [Float64Array.from({ length: 30 }, (_, t) => t), Float64Array.from({ length: 4 }, (_, t) => t)];
  const ends = [20, 4];
  const size = { past: 6, horizon: 3, scaling: "standard" } as const;
  const options = { ...size, batchSize: 16, batches: 20, random: new Random(1) };
  let [count, known] = [0, 0];
  for (const { x, y } of new RandomWindows({ series, ends }, options)) {
    for (let row = 0; row < 16; row++, count++) {
      const window = x.data.subarray(row * 7, row * 7 + 6);
      const id = x.data[row * 7 + 6]!;
      known += Number(id === 1);
      assert.ok(id === 0 || id === 1);
      // On a line, the next value is one step above the last.
      const step = window[5]! - window[4]!;
      for (let h = 0; h < 3; h++) {
        assert.ok(Math.abs(y.data[row * 3 + h]! - window[5]! - (h + 1) * step) < 1e-4);
      }
    }
  }
  assert.equal(count, 320);
  assert.ok(known > 250 && known < 320);
  const [batch] = new FixedWindows(series, lastOrigins({ series, ends }, 3), { ...size, batchSize: 5 });
  assert.deepEqual(batch!.x.shape, [2, 7]);
  assert.throws(
    () => new RandomWindows({ series, ends: [3, 2] }, options),
    /a series must be longer than the horizon of 3 steps, got at most 3 to learn from/,
  );
});

Deno.test("errors count half by the scale of a series' MASE and half by its magnitude", () => {
  // Steps of 1 and 2 from means of 2 and 40, and a constant.
  const series = [Float64Array.of(1, 2, 3), Float64Array.of(38, 40, 42), Float64Array.of(7, 7, 7)];
  const source = { series, ends: [3, 3, 3] };
  const ratio = (1 / 2 + 2 / 40) / 2;
  const expected = [2 / (1 / 1 + 1 / (2 * ratio)), 2 / (1 / 2 + 1 / (40 * ratio)), Infinity];
  errorScales(source, { season: 1, isLog: false }).forEach((scale, i) =>
    assert.ok(scale === expected[i] || Math.abs(scale - expected[i]!) < 1e-12)
  );
  const logs = errorScales(source, { season: 1, isLog: true });
  assert.ok(Math.abs(logs[0]! - 2 / (1 / 1 + 1 / 1.5)) < 1e-12);
});

Deno.test("sizes: a segment is a season, and half of a usual series is left for origins", () => {
  assert.deepEqual(sizesFor([700, 960], { season: 24, horizon: 48 }), { segment: 24, past: 14, ahead: 2 });
  assert.deepEqual(sizesFor([144], { season: 12, horizon: 12 }), { segment: 12, past: 5, ahead: 1 });
  assert.deepEqual(sizesFor([40], { season: 1, horizon: 3 }), { segment: 4, past: 4, ahead: 1 });
});

Deno.test("logarithms are taken if all values are above 0", () => {
  assert.equal(scaleFor([Float64Array.of(1, 2), Float64Array.of(0.1)]), "log");
  assert.equal(scaleFor([Float64Array.of(1, 2), Float64Array.of(0)]), "linear");
});

Deno.test("a trained network beats the last season, its file forecasts the same, and the same seed gives the same", async () => {
  const series = seasonal(6, 120);
  const ends = series.map(() => 112);
  const config = {
    horizon: 8,
    season: 4,
    scale: "log" as const,
    scaling: "standard" as const,
    frequency: "1 quarter",
    ids: series.map((_, i) => `s${i}`),
  };
  const settings = {
    cell: "lstm",
    hidden: 16,
    dropout: 0,
    steps: 200,
    batchSize: 32,
    learningRate: 5e-3,
    seed: 1,
  } as const;
  const { model, history } = (await trainGlobal({ series, ends }, config, settings))!;
  assert.equal(history.length, 2);
  const windows = series.map((values, i) => ({ id: `s${i}`, values, end: 112 }));
  const forecasts = model.forecast(windows);
  let [error, naive] = [0, 0];
  series.forEach((values, i) => {
    for (let h = 0; h < 8; h++) {
      const actual = values[112 + h]!;
      error += Math.abs(actual - forecasts[i]![MEDIAN]![h]!) / 10 ** (i % 3);
      naive += Math.abs(actual - values[108 + h % 4]!) / 10 ** (i % 3);
      assert.ok(forecasts[i]![LOW]![h]! < forecasts[i]![MEDIAN]![h]!);
      assert.ok(forecasts[i]![HIGH]![h]! > forecasts[i]![MEDIAN]![h]!);
    }
  });
  assert.ok(error < naive, `${error} is not below ${naive}`);
  const saved = { use: "network", season: 4, horizon: 8, frequency: "1 quarter", factors: {} } as const;
  const [read] = Forecaster.decode(new Forecaster(saved, [model]).encode(), "model.safetensors").models as [
    GlobalModel,
  ];
  assert.deepEqual(read.forecast(windows), forecasts);
  // A series that the model does not know.
  assert.ok(read.forecast([{ id: "new", values: series[0]! }])[0]!.every((values) => values.every(Number.isFinite)));
  assert.throws(
    () => read.forecast([{ id: "new", values: Float64Array.of(1, 2, 0, 4) }]),
    /Cannot forecast "new": a value must be above 0 for this model, which takes logarithms, got 0; train a model/,
  );
  const again = (await trainGlobal({ series, ends }, config, settings))!;
  assert.deepEqual(again.model.forecast(windows), forecasts);
});
