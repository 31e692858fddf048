import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import { checkOnnx, hasOnnxChecker, OnnxModel } from "../../tools/onnx.ts";
import { CELLS } from "../shared/choices.ts";
import { exportNetworks } from "./export.ts";
import { Forecaster } from "./forecaster.ts";
import { GlobalModel } from "./global_model.ts";
import { LEVELS, MEDIAN } from "./quantiles.ts";

const files = new Map<string, Uint8Array>();

/** A forecaster with weights that were never trained. */
function make(cell: (typeof CELLS)[number], scale: "log" | "linear", networks = 1): Forecaster {
  const random = new Random(3);
  const sizes = { cell, hidden: 12, segment: 4, past: 3, ahead: 2, dropout: 0.3, series: 2 };
  const config = {
    ...sizes,
    horizon: 6,
    season: 4,
    scale,
    scaling: "standard",
    frequency: "1 quarter",
    ids: ["a", "b"],
  } as const;
  const models = Array.from({ length: networks }, () => new GlobalModel(config, random));
  const factors = {
    network: LEVELS.map((level) => Array.from({ length: 6 }, (_, h) => 1 + Math.abs(level - 0.5) + h / 10)),
  };
  return new Forecaster({ use: "network", season: 4, horizon: 6, frequency: "1 quarter", factors }, models);
}

const random = new Random(7);
const valuesOf = (length: number) => Float64Array.from({ length }, (_, t) => 20 + 5 * Math.sin(t) + random.uniform());
const SERIES = [["a", valuesOf(30)], ["b", valuesOf(12)], ["new", valuesOf(7)]] as const;
const LABELLED = SERIES.map(([id, values]) => ({ id, values, from: "", to: "", next: () => [], labels: () => [] }));

/** What a program does that knows only the description. */
async function forecastWith(file: Uint8Array<ArrayBuffer>, about: ReturnType<typeof exportNetworks>[number]["about"]) {
  const { scale, levels, ids, horizon, factors } = JSON.parse(JSON.stringify(about));
  const [, width] = /\[batch, (\d+)\]/.exec(about.preprocessing)!;
  const length = Number(width) - 1;
  const data = new Float32Array(SERIES.length * (length + 1));
  const scales = SERIES.map(([id, values], row) => {
    const seen = [...values.slice(-length)].map((value) => scale === "log" ? Math.log(value) : value);
    const mean = seen.reduce((a, b) => a + b) / seen.length;
    const deviation = Math.sqrt(seen.reduce((total, value) => total + (value - mean) ** 2, 0) / seen.length);
    const at = row * (length + 1);
    seen.forEach((value, i) => data[at + length - seen.length + i] = (value - mean) / deviation);
    data[at + length] = ids.indexOf(id) + 1;
    return { mean, deviation };
  });
  const { output } = await (await OnnxModel.load(file)).run({ input: { shape: [SERIES.length, length + 1], data } });
  const [, steps] = output!.shape as [number, number, number];
  return scales.map(({ mean, deviation }, row) =>
    Array.from({ length: horizon }, (_, h) => {
      const at = (row * steps + h) * levels.length;
      const quantiles = [...output!.data.slice(at, at + levels.length)].sort((a, b) => a - b)
        .map((value) => mean + deviation * value).map((value) => scale === "log" ? Math.exp(value) : value);
      const median = quantiles[levels.indexOf(0.5)]!;
      return quantiles.map((value, i) => Math.max(0, median + factors[i][h] * (value - median)));
    })
  );
}

for (const cell of CELLS) {
  for (const scale of ["log", "linear"] as const) {
    Deno.test(`${cell}, ${scale}: the exported network with its description gives the app's forecast`, async () => {
      const forecaster = make(cell, scale);
      const [{ file, about }] = exportNetworks(forecaster) as [ReturnType<typeof exportNetworks>[number]];
      files.set(`${cell} ${scale}`, file);
      const theirs = await forecastWith(file, about);
      forecaster.forecast(LABELLED).forEach((quantiles, row) => {
        quantiles.forEach((values, level) =>
          values.forEach((value, h) => {
            const other = theirs[row]![h]![level]!;
            assert.ok(Math.abs(value - other) <= 1e-4 * Math.abs(value), `${value}, in ONNX Runtime ${other}`);
          })
        );
      });
    });
  }
}

Deno.test("several networks are several files, and none is an error", () => {
  const exported = exportNetworks(make("gru", "log", 2));
  assert.equal(exported.length, 2);
  assert.match(exported[0]!.about.postprocessing, /the mean over the 2 networks/);
  assert.throws(
    () => exportNetworks(make("gru", "log", 0)),
    /must have a network, got none; train one without --no-network/,
  );
});

Deno.test("a saved forecaster is the same, with several networks or none", () => {
  for (const count of [0, 1, 2]) {
    const forecaster = make("lstm", "log", count);
    const saved = Forecaster.decode(forecaster.encode(), "model");
    const use = count === 0 ? "theta" : "network";
    assert.deepEqual(saved.forecast(LABELLED, use), forecaster.forecast(LABELLED, use));
    assert.deepEqual(saved.config, forecaster.config);
  }
  assert.equal(make("lstm", "log", 0).forecast(LABELLED, "ets")[0]![MEDIAN]!.length, 6);
  assert.throws(() => make("lstm", "log", 0).forecast(LABELLED), /Cannot forecast with the network: .*--no-network/);
});

Deno.test({
  name: "the onnx package accepts every export",
  ignore: !hasOnnxChecker,
  fn: async () => {
    const metadata = await checkOnnx(files);
    assert.deepEqual([...metadata.keys()], [...files.keys()]);
    for (const one of metadata.values()) assert.deepEqual(JSON.parse(one.unfold!).levels, LEVELS);
  },
});
