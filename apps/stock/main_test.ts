import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { csv, QUICK, stock } from "./_testing.ts";

Deno.test("train writes model, metrics and charts; forecast gives the same forecast, bit for bit", () =>
  withFolder(async (folder) => {
    const [file, out] = [`${folder}/prices.csv`, `${folder}/runs/a`];
    await Deno.writeTextFile(file, csv(400));
    const trained = await stock(folder, "train", "--csv", file, "--out", out, "--json", ...QUICK);
    assert.equal(trained.code, 0, trained.stderr);
    const summary = JSON.parse(trained.stdout);
    assert.deepEqual([...Deno.readDirSync(out)].map(({ name }) => name).sort(), [
      "forecast.png",
      "forecast.svg",
      "forecasts.csv",
      "metrics.json",
      "model.safetensors",
    ]);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(`${out}/metrics.json`)), summary);
    const svg = await Deno.readTextFile(`${out}/forecast.svg`);
    assert.match(svg, /^<svg /);
    assert.match(svg, />forecast</);

    const forecast = await stock(folder, "forecast", `${out}/model.safetensors`, "--csv", file, "--json");
    assert.equal(forecast.code, 0, forecast.stderr);
    const next = JSON.parse(forecast.stdout);
    assert.deepEqual(next, summary.next);
    const [{ value, interval }] = next.steps;
    assert.ok(interval.low < value && value < interval.high);
  }));

Deno.test("the same seed gives the same results and weights, another seed different ones", () =>
  withFolder(async (folder) => {
    const file = `${folder}/prices.csv`;
    await Deno.writeTextFile(file, csv(300));
    const run = async (name: string, seed: string) => {
      const { code, stdout } = await stock(
        folder,
        "--csv",
        file,
        "--out",
        `${folder}/${name}`,
        "--json",
        "--seed",
        seed,
        ...QUICK,
      );
      assert.equal(code, 0);
      return { stdout, weights: await Deno.readFile(`${folder}/${name}/model.safetensors`) };
    };
    const [a, b, c] = [await run("a", "3"), await run("b", "3"), await run("c", "4")];
    assert.equal(a.stdout, b.stdout);
    assert.deepEqual(a.weights, b.weights);
    assert.notDeepEqual(a.weights, c.weights);
  }));

Deno.test("the table compares the model with the baselines; progress goes to stderr without control codes", () =>
  withFolder(async (folder) => {
    const file = `${folder}/prices.csv`;
    await Deno.writeTextFile(file, csv(300));
    const { code, stdout, stderr } = await stock(folder, "--csv", file, "--out", `${folder}/out`, ...QUICK);
    assert.equal(code, 0);
    assert.match(stdout, /next day's close +MSE +MAE +RMSE +R² +skill vs naive +p vs model\n/);
    assert.match(stdout, /naive \(tomorrow = today\)(?: +[\d.,]+){3} +-?[\d.]+ +0\.00 % +[\d.e-]+\n/);
    assert.match(
      stdout,
      /\nThe model('s mean squared error is [\d.]+ % smaller than that of| does not beat) the naive forecast.*\n$/,
    );
    assert.match(stderr, /^epoch 1\/2 {2}loss [\d.]+ {2}validation [\d.]+ {2}[\d,]+ samples\/s {2}\d+ s left$/m);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(stderr + stdout, /[\x1b\r]/);
  }));

const good = csv(300).split("\n");

function changed(line: number, text: string): string {
  return good.with(line - 1, text).join("\n");
}

const bad: [what: string, contents: string | undefined, message: string][] = [
  ["a missing file", undefined, "error: Cannot read FILE: there is no such file"],
  [
    "an empty file",
    "",
    "error: Cannot read FILE: it must have a header with the columns date and close, got an empty file",
  ],
  [
    "a header alone",
    "date,close\n",
    "error: Cannot read FILE: it must have at least one row of prices, got a header alone",
  ],
  [
    "a missing column",
    "Date,Open\n2020-01-01,1\n",
    'error: Cannot read FILE: line 1: column close is missing; it has "Date", "Open"',
  ],
  [
    "a word instead of a price",
    changed(7, "2015-01-06,high"),
    'error: Cannot read FILE: line 7, column Close: it must be a number from 1e-9 to 1000000000000000, got "high"',
  ],
  [
    "a missing price",
    changed(7, "2015-01-06,"),
    "error: Cannot read FILE: line 7, column Close: it must be a number from 1e-9 to 1000000000000000, got nothing",
  ],
  [
    "a row cut short",
    changed(7, "2015-01-06"),
    "error: Cannot read FILE: line 7, column Close: it must be a number from 1e-9 to 1000000000000000, got nothing",
  ],
  [
    "a price of 0",
    changed(7, "2015-01-06,0"),
    'error: Cannot read FILE: line 7, column Close: it must be a number from 1e-9 to 1000000000000000, got "0"',
  ],
  [
    "a date of unknown form",
    changed(7, "06.01.2015,100"),
    'error: Cannot read FILE: line 7, column Date: it must be a day as YYYY-MM-DD or MM/DD/YYYY, got "06.01.2015"',
  ],
  [
    "a date that does not exist",
    changed(7, "2015-02-30,100"),
    'error: Cannot read FILE: line 7, column Date: it must be a day as YYYY-MM-DD or MM/DD/YYYY, got "2015-02-30"',
  ],
  [
    "a date twice",
    changed(7, "2015-01-05,100"),
    "error: Cannot read FILE: line 7, column Date: dates must differ, got 2015-01-05 twice",
  ],
  [
    "dates out of order",
    changed(7, "2015-01-01,100"),
    "error: Cannot read FILE: line 7, column Date: dates must be in order of time, got 2015-01-01 after 2015-01-05; --sort puts them in order",
  ],
  [
    "too few rows",
    good.slice(0, 41).join("\n"),
    "error: Cannot train on FILE: with a window of 30 days it must have at least 71 rows (21 before the first features, 30 in a " +
    "window, 20 windows), got 40",
  ],
  [
    "a price that is not a number",
    changed(7, "2015-01-06,NaN"),
    'error: Cannot read FILE: line 7, column Close: it must be a number from 1e-9 to 1000000000000000, got "NaN"',
  ],
  [
    "a price below 0",
    changed(7, "2015-01-06,-3"),
    'error: Cannot read FILE: line 7, column Close: it must be a number from 1e-9 to 1000000000000000, got "-3"',
  ],
];

for (const [what, contents, message] of bad) {
  Deno.test(`bad data: ${what}: one line, exit code 1, nothing written`, () =>
    withFolder(async (folder) => {
      const file = `${folder}/prices.csv`;
      if (contents !== undefined) await Deno.writeTextFile(file, contents);
      const { code, stdout, stderr } = await stock(folder, "--csv", file, "--out", `${folder}/out`);
      assert.equal(stderr.trim(), message.replace("FILE", file));
      assert.equal(stderr.split("\n").length, 2);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.throws(() => Deno.statSync(`${folder}/out`), Deno.errors.NotFound);
    }));
}

const usage: [args: string[], message: RegExp][] = [
  [["--epoch", "3"], /^error: unknown option '--epoch' \(Did you mean --epochs\?\)$/],
  [
    ["--model", "arima"],
    /^error: option '--model <name>' argument 'arima' is invalid\. Allowed choices are lstm, gru, rnn, relu, mlp\.$/,
  ],
  [
    ["--window", "x"],
    /^error: option '--window <days>' argument 'x' is invalid\. It must be an integer of 1 or more\.$/,
  ],
  [["--test", "1.5"], /It must be a number above 0 and below 1\.$/],
  [
    ["--test", "0.6", "--validation", "0.6"],
    /^error: --validation and --test must leave at least a tenth of the windows for training$/,
  ],
  [["train", "extra"], /^error: too many arguments/],
];

for (const [args, message] of usage) {
  Deno.test(`bad usage: ${args.join(" ")}: one line, exit code 2`, () =>
    withFolder(async (folder) => {
      const { code, stdout, stderr } = await stock(folder, ...args, "--out", `${folder}/out`);
      assert.match(stderr.trim(), message);
      assert.deepEqual([code, stdout], [2, ""]);
    }));
}

Deno.test("help needs no permission, and shows the options of train too", () =>
  withFolder(async (folder) => {
    for (const args of [["--help"], ["train", "--help"], ["help"]]) {
      const { code, stdout, stderr } = await stock(folder, ...args);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, /--learning-rate <rate>/);
    }
    assert.match((await stock(folder, "forecast", "-h")).stdout, /Usage: stock forecast/);
  }));

Deno.test("constant prices are refused before training", () =>
  withFolder(async (folder) => {
    const file = `${folder}/flat.csv`;
    const rows = csv(300).split("\n");
    const flat = (from: number, to: number) =>
      rows.map((row, i) => i > from && i <= to ? row.replace(/^([\d-]+),[\d.]+/, "$1,5") : row).join("\n");
    const cases: [from: number, to: number, message: string][] = [
      [0, 300, `Cannot train on ${file}: the price must change in the training part, got the same price every day`],
      [0, 250, `Cannot train on ${file}: the price must change in the training part, got the same price every day`],
      [200, 300, `Cannot test on ${file}: the price must change in the test part, got the same price every day`],
    ];
    for (const [from, to, message] of cases) {
      await Deno.writeTextFile(file, flat(from, to));
      const { code, stdout, stderr } = await stock(folder, "--csv", file, "--out", `${folder}/out`, ...QUICK);
      assert.deepEqual([code, stdout, stderr.split("\n").at(-2)], [1, "", `error: ${message}`]);
      assert.doesNotMatch(stderr, /epoch/);
    }
  }));

Deno.test("without write permission, one line says so before training", () =>
  withFolder(async (folder) => {
    const file = `${folder}/prices.csv`;
    await Deno.writeTextFile(file, csv(300));
    const { code, stderr } = await stock(folder, "--csv", file, "--out", "/nowhere", ...QUICK);
    assert.match(stderr, /^error: Cannot write to \/nowhere: .*--allow-write/);
    assert.equal(code, 1);
  }));
