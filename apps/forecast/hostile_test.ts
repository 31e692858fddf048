import assert from "node:assert/strict";
import {
  decodeSafetensors,
  encodeSafetensors,
  Random,
  type SafetensorsTensor,
  scope,
  tensor,
  zeros,
} from "@unfold/core";
import { harmless } from "@unfold/core/support";
import { assertPrintable, HOSTILE, withFolder } from "../../tools/testing.ts";
import { type Outcome, runApp } from "../shared/_run_app.ts";
import { TableError } from "../shared/tables/table.ts";
import { readTable } from "../shared/tables/read_table.ts";
import { Forecaster, type ForecasterConfig } from "./forecaster.ts";
import { GlobalModel, type ModelConfig, trainGlobal, type TrainingSettings } from "./global_model.ts";
import { GlobalNetwork, type NetworkConfig, networkSizes, pinballLoss } from "./network.ts";
import { LEVELS } from "./quantiles.ts";
import { readSeriesSet, type SetOptions } from "./series_set.ts";

const forecast = (folder: string, ...args: string[]): Promise<Outcome> => runApp("forecast", folder, args);

/** Options that make a run short. */
const QUICK = ["--steps", "2", "--hidden", "4", "--batch-size", "4", "--folds", "1", "--horizon", "4"];
/** Characters that clear the screen, set a title, go back, and reorder a line. */
const CONTROLS = "\x1b[2J\x9b31m\x07\b\u202e\u2028\x7f";
const MONTHS = Array.from({ length: 48 }, (_, i) => new Date(Date.UTC(2018, i, 1)).toISOString().slice(0, 7));

function assertHarmless({ stdout, stderr }: Outcome): void {
  for (const text of [stdout, stderr]) assert.equal(harmless(text), text);
}

async function seriesIn(text: string, options: SetOptions = {}) {
  return readSeriesSet((await readTable(new TextEncoder().encode(text), "file.csv")).table, options);
}

Deno.test("names that steer a terminal reach neither it nor the picture, and files keep them", () =>
  withFolder(async (folder) => {
    const ids = [`north ${CONTROLS}`, `south\t"${CONTROLS}"`];
    const quoted = ids.map((id) => `"${id.replaceAll('"', '""')}"`);
    const value = (i: number) => 20 + 5 * Math.sin(i) + i % 12;
    const long = MONTHS.flatMap((month, i) => quoted.map((id, k) => `${month},${id},${(value(i) + k).toFixed(2)}`));
    const wide = MONTHS.map((month, i) => `${month},${value(i).toFixed(2)},${(value(i) + 1).toFixed(2)}`);
    const tables = {
      long: [`month,store ${CONTROLS},sales`, ...long],
      wide: [`month,${quoted.join(",")}`, ...wide],
    };
    for (const [name, lines] of Object.entries(tables)) {
      const file = `${folder}/${name}${CONTROLS}.csv`;
      const out = `${folder}/${name}`;
      await Deno.writeTextFile(file, `${lines.join("\n")}\n`);
      const trained = await forecast(folder, "--csv", file, ...QUICK, "--out", out);
      assert.equal(trained.code, 0, trained.stderr);
      assertHarmless(trained);
      assert.match(trained.stdout, /model\.safetensors, metrics\.json, forecasts\.csv, forecast\.svg, forecast\.png\n/);
      const { tensors, metadata } = decodeSafetensors(await Deno.readFile(`${out}/model.safetensors`));
      assert.deepEqual(JSON.parse(metadata["unfold.forecast"]!).networks[0].ids, ids);
      assert.ok(tensors.size > 0);
      const svg = await Deno.readTextFile(`${out}/forecast.svg`);
      // deno-lint-ignore no-control-regex -- what XML forbids
      assert.doesNotMatch(svg, /[\x00-\x08\x0b\x0c\x0e-\x1f]/);
      assert.ok(svg.includes("\ufffd"));
      assert.ok((await Deno.readTextFile(`${out}/forecasts.csv`)).includes(`\n${ids[0]},`));
      const model = `${out}/model.safetensors`;
      // A pipe is no terminal.
      const plain = await forecast(folder, "forecast", model, "--csv", file);
      assert.ok(plain.stdout.includes(`\n${ids[0]},2022-01,`), plain.stderr);
      const json = await forecast(folder, "forecast", model, "--csv", file, "--json");
      assertHarmless(json);
      assert.deepEqual(JSON.parse(json.stdout).series.map(({ id }: { id: string }) => id), ids);
      assertHarmless(await forecast(folder, "inspect", "--csv", file));
      assertHarmless(await forecast(folder, "compare", "--csv", file, "--no-network", "--horizon", "4"));
    }
  }));

Deno.test("titles and ids of any length are refused in a line", async () => {
  const rows = (before = "", after = "") => MONTHS.map((month, i) => `${month},${before}${i % 5}${after}`).join("\n");
  const long = HOSTILE.slice(0, 100_000);
  const tooLong = /the id of a series must have at most 200 characters, got "a\\u001b/;
  const cases: [text: string, options: SetOptions, message: RegExp][] = [
    [`month,"${long}"\n${rows()}\n`, {}, tooLong],
    [`month,"${long}",b\n${rows("", ",1")}\n`, {}, tooLong],
    [`month,"${HOSTILE}"\n${rows()}\n`, {}, tooLong],
    [`month,id,x\n${rows(`"${long}",`)}\n${rows("b,")}\n`, { seriesColumn: "id", column: "x" }, tooLong],
    [`id,1,2,3\n"${long}",1,2,3\nb,1,2,3\n`, { layout: "rows" }, tooLong],
    [`month,x\n${rows()}\n`, { column: HOSTILE }, /column "a\\u001b.* is missing; --column must be one of/],
    [`month,x\n${rows()}\n`, { seriesColumn: HOSTILE }, /column "a\\u001b.* is missing/],
    [`month,x\n${rows(`"${long}`, '"')}\n`, { column: "x" }, /must be a number|must have numbers/],
    [`month,a,a\n${rows("", ",1")}\n`, {}, /each series must have a unique id, got "a" twice; rename one/],
  ];
  for (const [text, options, message] of cases) {
    await assert.rejects(seriesIn(text, options), (error: Error) => {
      assert.ok(error instanceof TableError, `${error.stack}`);
      assert.match(error.message, message);
      assertPrintable(error.message);
      return true;
    });
  }
});

Deno.test("dates far from the others do not fill the memory", async () => {
  const minutes = Array.from({ length: 9 }, (_, i) => `2024-01-01 00:0${i},${i}`);
  const one = `time,x\n${minutes.join("\n")}\n2099-12-31 00:00,1\n`;
  await assert.rejects(seriesIn(one), /must not have a gap longer than itself, got no value for 5,000,001 steps/);
  const far = /at most 5,000,000 dates of all series may be missing.*; remove the rows that are far from the others/;
  await assert.rejects(seriesIn(one, { fill: "zero" }), far);
  // Each of them has fewer, but together they have more.
  const series = ["2024-01-11 00:00,1", "2033-07-02 18:00,1"].map((last, k) =>
    [...minutes, last].map((row) => row.replace(",", `,s${k},`))
  );
  const both = `time,id,x\n${series.flat().join("\n")}\n`;
  await assert.rejects(seriesIn(both, { seriesColumn: "id", fill: "zero" }), far);
});

Deno.test("many columns, many series and long titles are read", async () => {
  // More than fit on the stack as arguments.
  const count = 130_000;
  const head = ["id", ...Array.from({ length: 8 }, (_, i) => `V${i + 1}`)];
  const rows = Array.from({ length: count }, (_, i) => `H${i},1,2,3,4,5,6,7,${i % 9}`);
  const { series, arrangement } = await seriesIn(`${head}\n${rows.join("\n")}\n`);
  assert.deepEqual([arrangement, series.length], ["rows", count]);
  const ones = Array(count).fill(1);
  const wide = await seriesIn(`id,${ones.map((_, i) => `V${i + 1}`)}\nH1,${ones}\nH2,${ones}\n`);
  assert.deepEqual([wide.series.length, wide.series[0]!.values.length], [2, count]);
});

/** Factors that change nothing. */
const ONES = LEVELS.map(() => new Array<number>(7).fill(1));

const NETWORK: ModelConfig = {
  cell: "gru",
  hidden: 4,
  segment: 4,
  past: 3,
  ahead: 2,
  series: 2,
  horizon: 7,
  season: 4,
  dropout: 0,
  scale: "linear",
  scaling: "standard",
  frequency: "1 quarter",
  ids: ["a", "b"],
};
const FORECASTER: ForecasterConfig = {
  use: "network",
  season: 4,
  horizon: 7,
  frequency: "1 quarter",
  factors: { network: ONES, ets: ONES },
};

/** The bytes of a model with some settings, those of its network, and tensors changed. */
function altered(
  changes: object,
  network: object = {},
  spoil: (tensors: Map<string, SafetensorsTensor>) => void = () => {},
): Uint8Array<ArrayBuffer> {
  const whole = decodeSafetensors(new Forecaster(FORECASTER, [new GlobalModel(NETWORK, new Random(1))]).encode());
  const tensors = new Map(whole.tensors);
  spoil(tensors);
  const config = { ...FORECASTER, networks: [{ ...NETWORK, ...network }], ...changes };
  return encodeSafetensors(tensors, { metadata: { "unfold.forecast": JSON.stringify(config) } });
}

Deno.test("a model file with settings that contradict each other or its weights is refused", () => {
  Forecaster.decode(altered({}), "m");
  const factors = "its factors must be 9 lists of 7 numbers of 0 or more for each candidate, got";
  const many = Array.from({ length: 900_000 }, (_, i) => `${i}`);
  const cases: [changes: object, network: object, message: string | RegExp][] = [
    [{ use: "toString" }, {}, /its use must be one of seasonalNaive, .*, got "toString"$/],
    [{ season: 0.5 }, {}, "its season must be an integer from 1 to 1000000, got 0.5"],
    [{ horizon: 1e300 }, {}, "its horizon must be an integer from 1 to 1000000, got 1e+300"],
    [{ frequency: "0 month" }, {}, 'its frequency must be a number of a unit of time, such as 1 month, got "0 month"'],
    [{ frequency: "1 fortnight" }, {}, /its frequency must be a number of a unit of time/],
    [{ frequency: 3 }, {}, /its frequency must be a number of a unit of time, .*, got 3$/],
    [{ factors: { network: ONES.with(0, ONES[0]!.with(0, -1)) } }, {}, `${factors} {"network":[[-1,1,`],
    [{ factors: { network: ONES.with(8, ONES[0]!.with(6, null as never)) } }, {}, factors],
    [{ factors: { network: ONES.slice(1) } }, {}, factors],
    [{ factors: { network: ONES.map((steps) => steps.slice(1)) } }, {}, factors],
    [{ factors: { other: ONES } }, {}, factors],
    [{ factors: undefined }, {}, `${factors} undefined`],
    [{ networks: {} }, {}, "its networks must be a list of networks, got {}"],
    [{ networks: [null] }, {}, /its cell must be one of .*, got undefined$/],
    [{}, { hidden: 0.5 }, "its hidden must be an integer from 1 to 1000000, got 0.5"],
    [{}, { series: 1e9 }, "its series must be an integer from 1 to 1000000, got 1000000000"],
    [{}, { ids: ["a"] }, 'its ids must be a different text for each series, got ["a"]'],
    [{}, { ids: ["a", "a"] }, 'its ids must be a different text for each series, got ["a","a"]'],
    [{}, { ids: ["a", 2] }, /its ids must be a different text for each series/],
    [{}, { frequency: "1 month" }, /its networks must be networks of its horizon and frequency, got \[/],
    [{}, { horizon: 8 }, /its networks must be networks of its horizon and frequency, got \[/],
    [{}, { horizon: 9 }, "its ahead must be 3, the segments of its horizon, got 2"],
    [{}, { horizon: 4 }, "its ahead must be 1, the segments of its horizon, got 2"],
    [{}, { dropout: 1 }, "its dropout must be from 0 to below 1, got 1"],
    [{}, { scale: "root" }, 'its scale must be one of log, linear, got "root"'],
    [{}, { scaling: "none" }, /its scaling must be one of /],
    [{}, { hidden: 4000 }, /it must have the [\d,]+ weights of its configuration, got [\d,]+$/],
    [{}, { series: many.length, ids: many }, /it must have the [\d,]+ weights/],
    [{}, { past: 900_000 }, /it must have the [\d,]+ weights of its configuration, got [\d,]+$/],
    [{}, { past: 4 }, /straight\.weight must have shape \[16, 8\], got \[12, 8\]/],
    [{ use: HOSTILE }, {}, /its use must be one of/],
    [{}, { cell: HOSTILE, ids: [HOSTILE] }, /its cell must be one of/],
  ];
  for (const [changes, network, message] of cases) {
    assert.throws(() => Forecaster.decode(altered(changes, network), "m"), (error: Error) => {
      if (typeof message === "string") assert.ok(error.message.startsWith(`Cannot read m: ${message}`), error.message);
      else assert.match(error.message, message);
      assertPrintable(error.message);
      return error.name === "SafetensorsError";
    });
  }
  const flat = altered({}, { hidden: 900_000 }, (tensors) => {
    tensors.set("0.encoder.recurrentWeight", { dtype: "F32", shape: [900_000, 0], data: new Float32Array() });
  });
  assert.throws(() => Forecaster.decode(flat, "m"), /it must have the [\d,]+ weights of its configuration/);
  const spoilt = altered({}, {}, (tensors) => {
    tensors.set("0.hidden.bias", { dtype: "F32", shape: [4], data: Float32Array.of(0, 0, NaN, 0) });
  });
  assert.throws(() => Forecaster.decode(spoilt, "m"), /hidden\.bias must be finite, got NaN at position 2$/);
});

Deno.test("a forecast that is not finite is refused with its series", () =>
  withFolder(async (folder) => {
    const model = `${folder}/model.safetensors`;
    const monthly = { frequency: "1 month" };
    const huge = altered(monthly, { ...monthly, scale: "log" }, (tensors) => {
      const { data } = tensors.get("0.output.bias")!;
      tensors.set("0.output.bias", {
        dtype: "F32",
        shape: [data.length],
        data: new Float32Array(data.length).fill(3e38),
      });
    });
    await Deno.writeFile(model, huge);
    await Deno.writeTextFile(
      `${folder}/x.csv`,
      `month,x\n${MONTHS.map((month, i) => `${month},${i + 1}`).join("\n")}\n`,
    );
    const { code, stdout, stderr } = await forecast(folder, "forecast", model, "--csv", `${folder}/x.csv`);
    assert.match(
      stderr,
      /^error: Cannot forecast .*: the forecast of "x" must be finite, got (?:Infinity|NaN); bring its values/m,
    );
    assert.deepEqual([code, stdout], [1, ""]);
  }));

for (const cell of ["lstm", "gru", "rnn"] as const) {
  Deno.test(`${cell}: the weights are counted exactly, and a step takes about what is estimated`, () => {
    for (
      const config of [
        { cell, hidden: 64, segment: 12, past: 6, ahead: 2, dropout: 0, series: 50 },
        { cell, hidden: 16, segment: 24, past: 14, ahead: 1, dropout: 0.5, series: 3 },
        { cell, hidden: 128, segment: 4, past: 4, ahead: 9, dropout: 0, series: 9 },
      ] satisfies NetworkConfig[]
    ) {
      const batch = 64;
      const network = new GlobalNetwork(config, new Random(1));
      const sizes = networkSizes(config, batch);
      const weights = Object.values(network.parameters()).reduce((count, { size }) => count + size, 0);
      assert.equal(sizes.weights, weights);
      let taken = 0;
      // After the first step, all scopes are in one piece of memory, which they fill in order.
      for (const _ of ["first", "second"]) {
        using _ = scope();
        const start = tensor([0]);
        const x = zeros([batch, config.past * config.segment + 1]);
        pinballLoss(network.forward(x), zeros([batch, config.ahead * config.segment])).backward();
        taken = zeros([1]).offset - start.offset;
      }
      const estimate = 4 * sizes.step;
      assert.ok(estimate > 0.9 * taken && estimate < 2 * taken, `${estimate} bytes estimated, ${taken} taken`);
    }
  });
}

Deno.test("a network that does not fit into the memory is refused before it is made", async () => {
  const values = Float64Array.from({ length: 400 }, (_, t) => 20 + t % 12);
  const config = {
    horizon: 12,
    season: 12,
    scale: "log",
    scaling: "standard",
    frequency: "1 month",
    ids: ["a"],
  } as const;
  const settings = {
    cell: "lstm",
    hidden: 64,
    dropout: 0,
    steps: 1,
    batchSize: 8,
    learningRate: 1e-3,
    seed: 1,
  } as const;
  const train = (changes: Partial<TrainingSettings>, others = 0) =>
    trainGlobal({ series: [values], ends: [400] }, config, { ...settings, ...changes }, { others });
  await assert.rejects(train({ hidden: 30_000 }), {
    message:
      /^Cannot train: the network must fit into the memory .*, got about \d+ GiB .*; lower --hidden or --batch-size$/,
  });
  await assert.rejects(train({ batchSize: 1_000_000 }), /Cannot train: .* GiB for a batch\); lower --hidden/);
  await assert.rejects(
    train({ hidden: 4000 }, 199),
    /for 199 other networks\); lower --hidden, --batch-size or --seeds$/,
  );
});
