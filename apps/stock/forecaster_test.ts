import { decodeSafetensors, encodeSafetensors, Random, type SafetensorsTensor } from "@unfold/core";
import assert from "node:assert/strict";
import { assertPrintable, HOSTILE, withFolder } from "../../tools/testing.ts";
import { csv, QUICK, stock } from "./_testing.ts";
import { FEATURE_SETS } from "./features.ts";
import { Forecaster, type ForecasterConfig } from "./forecaster.ts";

for (const model of ["gru", "rnn", "mlp"]) {
  Deno.test(`${model}: a saved and loaded model gives the same forecast, bit for bit`, () =>
    withFolder(async (folder) => {
      const file = `${folder}/prices.csv`;
      await Deno.writeTextFile(file, csv(300));
      const trained = await stock(folder, "--model", model, "--csv", file, "--out", `${folder}/a`, "--json", ...QUICK);
      assert.equal(trained.code, 0, trained.stderr);
      const forecast = await stock(folder, "forecast", `${folder}/a/model.safetensors`, "--csv", file, "--json");
      assert.equal(forecast.code, 0, forecast.stderr);
      const { next, settings } = JSON.parse(trained.stdout);
      assert.equal(settings.model, model);
      assert.deepEqual(JSON.parse(forecast.stdout), next);
    }));
}

Deno.test("book features: a saved and loaded model gives the same forecast, bit for bit", () =>
  withFolder(async (folder) => {
    const file = `${folder}/prices.csv`;
    await Deno.writeTextFile(file, csv(400));
    const trained = await stock(
      folder,
      "--features",
      "book",
      "--csv",
      file,
      "--out",
      `${folder}/a`,
      "--json",
      ...QUICK,
    );
    assert.equal(trained.code, 0, trained.stderr);
    const forecast = await stock(folder, "forecast", `${folder}/a/model.safetensors`, "--csv", file, "--json");
    assert.equal(forecast.code, 0, forecast.stderr);
    assert.deepEqual(JSON.parse(forecast.stdout), JSON.parse(trained.stdout).next);
    await Deno.writeTextFile(file, "Date,Close\n2020-01-02,1\n");
    const without = await stock(folder, "forecast", `${folder}/a/model.safetensors`, "--csv", file);
    assert.deepEqual([without.code, without.stdout], [1, ""]);
    assert.match(
      without.stderr,
      /^error: Cannot read .*: column open is missing; it has "Date", "Close"; --columns open=TITLE names it\n$/,
    );
  }));

Deno.test("forecast refuses a file that is not a model, and a damaged one", () =>
  withFolder(async (folder) => {
    const file = `${folder}/model.safetensors`;
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(4), /^error: Cannot read .*model\.safetensors: it must start with the 8 bytes/],
      [encodeSafetensors([]), /it must be a model of this app, got no unfold\.stock metadata$/],
      [
        encodeSafetensors([], { metadata: { "unfold.stock": "{}" } }),
        /its model must be one of lstm, gru, rnn, relu, mlp, got undefined$/,
      ],
      [
        encodeSafetensors([], { metadata: { "unfold.stock": "null" } }),
        /its model must be one of lstm, gru, rnn, relu, mlp, got undefined$/,
      ],
      [
        encodeSafetensors([], { metadata: { "unfold.stock": "[" } }),
        /^error: Cannot read .*model\.safetensors: .*JSON/,
      ],
    ];
    for (const [bytes, message] of cases) {
      await Deno.writeFile(file, bytes);
      const { code, stderr } = await stock(folder, "forecast", file);
      assert.match(stderr.trim(), message);
      assert.equal(code, 1);
    }
    const missing = await stock(folder, "forecast", `${folder}/none`);
    assert.match(missing.stderr, /^error: Cannot read .*none: there is no such file\n$/);
  }));

Deno.test("a model with altered weights or settings is refused, and the message names them", () =>
  withFolder(async (folder) => {
    const file = `${folder}/prices.csv`;
    await Deno.writeTextFile(file, csv(300));
    await stock(folder, "--csv", file, "--out", folder, ...QUICK);
    const { tensors, metadata } = decodeSafetensors(await Deno.readFile(`${folder}/model.safetensors`));
    const config = JSON.parse(metadata["unfold.stock"]!);
    const refused = async (changed: Map<string, SafetensorsTensor>, settings: object, message: RegExp) => {
      const bytes = encodeSafetensors(changed, {
        metadata: { "unfold.stock": JSON.stringify({ ...config, ...settings }) },
      });
      await Deno.writeFile(`${folder}/model.safetensors`, bytes);
      const { code, stdout, stderr } = await stock(folder, "forecast", `${folder}/model.safetensors`, "--csv", file);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [1, ""]);
    };
    const all = new Map(tensors);
    await refused(
      new Map([...all].filter(([name]) => name !== "0.bias")),
      {},
      /Cannot load the parameters: 0\.bias is missing\n$/,
    );
    await refused(all, { hidden: 1e9 }, /0\.recurrentWeight must have 1000000000 rows, got 8\n$/);
    await refused(all, { layers: 99 }, /its layers must be at most 5, got 99\n$/);
    await refused(all, { layers: 0 }, /its layers must be a positive integer, got 0\n$/);
    await refused(all, { hidden: "8" }, /its hidden must be a positive integer, got "8"\n$/);
    await refused(
      all,
      { targetScaler: { mean: [0], deviation: ["x"] } },
      /its targetScaler must be means and deviations of 1 columns/,
    );
    await refused(all, { featureSet: "book" }, /its features must be open, close, .*, got \["return",/);
    await refused(all, { horizon: 0 }, /its horizon must be an integer from 1 to 1000, got 0\n$/);
    await refused(
      all,
      { target: "rent" },
      /its target must be one of price, change, direction, volatility, got "rent"\n$/,
    );
    await refused(
      all,
      { featureScaler: { mean: [0], deviation: [1] } },
      /its featureScaler must be means and deviations of 5 columns/,
    );
    const flat = new Map(all).set("0.recurrentWeight", { dtype: "F32", shape: [1e6, 0], data: new Float32Array() });
    await refused(flat, { hidden: 1e6 }, /it must have the [\d,]{17} weights of its configuration, got [\d,]+\n$/);
    const spoilt = (bias: number) =>
      new Map(all).set("2.bias", { dtype: "F32", shape: [1], data: Float32Array.of(bias) });
    await refused(spoilt(NaN), {}, /2\.bias must be finite, got NaN at position 0\n$/);
    await refused(spoilt(1e30), {}, /the model must give a finite price, got Infinity\n$/);
  }));

Deno.test("intervals, levels, dates and rhythms that no training gives are refused", () => {
  const { names } = FEATURE_SETS.returns;
  const config: ForecasterConfig = {
    model: "gru",
    hidden: 3,
    target: "price",
    horizon: 2,
    window: 5,
    featureSet: "returns",
    features: names,
    featureScaler: { kind: "standard", mean: names.map(() => 0), deviation: names.map(() => 1) },
    targetScaler: { kind: "standard", mean: [0, 0], deviation: [1, 1] },
  };
  const whole = decodeSafetensors(new Forecaster(config, new Random(1)).encode());
  const own = JSON.parse(whole.metadata["unfold.stock"]!);
  const decode = (text: string) =>
    Forecaster.decode(encodeSafetensors(whole.tensors, { metadata: { "unfold.stock": text } }), "m");
  const withChanges = (changes: object) => decode(JSON.stringify({ ...own, ...changes }));
  withChanges({
    interval: { coverage: 0.9, radii: [0.2, 0.1] },
    level: [1, 1],
    seenUntil: "2024-01-31",
    rhythm: { unit: "minute", every: 5, perYear: 1 },
  });
  const radii = "a coverage between 0 and 1 and 2 radii of 0 or more";
  const cases: [changes: object, name: string, wanted: string][] = [
    [{ interval: { coverage: 0.9, radii: [-1, 1] } }, "interval", radii],
    [{ interval: { coverage: 0.9, radii: [null, 1] } }, "interval", radii],
    [{ interval: { coverage: 0.9, radii: ["1", 1] } }, "interval", radii],
    [{ interval: { coverage: 0.9, radii: [1] } }, "interval", radii],
    [{ interval: { coverage: 1, radii: [1, 1] } }, "interval", radii],
    [{ interval: { coverage: 0, radii: [1, 1] } }, "interval", radii],
    [{ interval: null }, "interval", radii],
    [{ level: [2, 1] }, "level", "the lowest and the highest price"],
    [{ level: [1, null] }, "level", "the lowest and the highest price"],
    [{ level: [1, 2, 3] }, "level", "the lowest and the highest price"],
    [{ seenUntil: "soon" }, "seenUntil", "a date"],
    [{ seenUntil: 5 }, "seenUntil", "a date"],
    [{ rhythm: { unit: "fortnight", every: 1 } }, "rhythm", "a unit of time and the number of them in a step"],
    [{ rhythm: { unit: "day", every: 0.5 } }, "rhythm", "a unit of time and the number of them in a step"],
    [{ rhythm: { unit: "day", every: 1, perYear: -1 } }, "rhythm", "a unit of time and the number of them in a step"],
    [{ hidden: 0.5 }, "hidden", "a positive integer"],
    [{ window: 1e300 }, "window", "a positive integer"],
    [{ interval: HOSTILE }, "interval", radii],
  ];
  for (const [changes, name, wanted] of cases) {
    assert.throws(() => withChanges(changes), ({ message }: Error) => {
      assert.ok(message.startsWith(`Cannot read m: its ${name} must be ${wanted}, got `), message);
      assertPrintable(message);
      return true;
    });
  }
  // JSON has no infinity, but reads one.
  const infinite = JSON.stringify({ ...own, interval: { coverage: 0.9, radii: [1, 2] } }).replace("[1,2]", "[1,1e999]");
  assert.throws(() => decode(infinite), new RegExp(`its interval must be ${radii}`));
  const scaler = { kind: "standard", mean: [0], deviation: [1] };
  assert.throws(
    () => withChanges({ target: "direction", targetScaler: scaler, interval: { coverage: 0.9, radii: [1] } }),
    /its interval must be missing for a direction, got/,
  );
});
