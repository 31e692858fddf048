import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { withFolder } from "../../tools/testing.ts";
import { type Outcome, runApp } from "../shared/_run_app.ts";

/** Options that make a run short. */
const QUICK = ["--steps", "20", "--hidden", "8", "--batch-size", "16", "--folds", "2"];

function forecast(folder: string, ...args: string[]): Promise<Outcome> {
  return runApp("forecast", folder, args);
}

/** Monthly sales of stores in a long table. */
function sales(stores: number, months = 60): string {
  const random = new Random(9);
  const rows = Array.from({ length: stores * months }, (_, i) => {
    const [store, month] = [Math.floor(i / months), i % months];
    const date = new Date(Date.UTC(2018, month, 1)).toISOString().slice(0, 10);
    const value = 100 + 30 * Math.sin(2 * Math.PI * month / 12 + store) + month / 2 + random.normal(0, 3);
    return `${date},store ${store + 1},${value.toFixed(2)}`;
  });
  return `date,store,sales\n${rows.join("\n")}\n`;
}

Deno.test("train compares, forecasts every series and says what to use; the model forecasts newer data", () =>
  withFolder(async (folder) => {
    const file = `${folder}/sales.csv`;
    await Deno.writeTextFile(file, sales(3));
    const args = ["--csv", file, "--series-column", "store", "--horizon", "6", ...QUICK, "--out", `${folder}/run`];
    const { code, stdout, stderr } = await forecast(folder, ...args);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^Written to .*: model\.safetensors, metrics\.json, forecasts\.csv, forecast\.svg, forecast\.png\n/,
    );
    assert.match(stdout, /3 series of 60 values, by month; a season of 12 steps\./);
    for (const name of ["seasonal naive", "drift", "Theta", "ETS", "network"]) {
      assert.ok(stdout.includes(`\n${name} `), name);
    }
    assert.match(
      stdout,
      /\nUse [^:]+: over 6 origins in 2 folds its error was [\d.]+ % below .* better in \d of 6\. [^\n]+\.\n$/,
    );
    const lines = (await Deno.readTextFile(`${folder}/run/forecasts.csv`)).trimEnd().split("\n");
    assert.equal(lines[0], "id,date,mean,median,q0.025,q0.05,q0.1,q0.25,q0.75,q0.9,q0.95,q0.975");
    assert.equal(lines.length, 1 + 3 * 6);
    assert.match(lines[1]!, /^store 1,2023-01-01,/);
    for (const line of lines.slice(1)) {
      const [mean, median, ...others] = line.split(",").slice(2).map(Number) as [number, number, ...number[]];
      const quantiles = [...others.slice(0, 4), median, ...others.slice(4)];
      assert.deepEqual(quantiles, quantiles.toSorted((a, b) => a - b));
      assert.ok(mean > quantiles[0]! && mean < quantiles.at(-1)!);
    }
    const metrics = JSON.parse(await Deno.readTextFile(`${folder}/run/metrics.json`));
    assert.deepEqual([metrics.season, metrics.horizon, metrics.folds], [12, 6, 2]);
    const again = await forecast(folder, ...args, "--json");
    assert.deepEqual(JSON.parse(again.stdout), metrics);

    // A series that the model never saw, with more months.
    const newer = `${folder}/newer.csv`;
    await Deno.writeTextFile(newer, sales(4, 66));
    const model = `${folder}/run/model.safetensors`;
    const next = await forecast(folder, "forecast", model, "--csv", newer, "--series-column", "store");
    assert.equal(next.code, 0, next.stderr);
    assert.match(next.stdout, /\nstore 4,2023-07-01,/);
    const daily = `${folder}/daily.csv`;
    const days = Array.from(
      { length: 90 },
      (_, i) => `${new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10)},${i % 7}`,
    );
    await Deno.writeTextFile(daily, `date,visits\n${days.join("\n")}\n`);
    const other = await forecast(folder, "forecast", model, "--csv", daily);
    assert.deepEqual([other.code, other.stdout], [2, ""]);
    assert.match(
      other.stderr,
      /a step of its series must be 1 month, as the model's, got 1 day; bring the file to that step by --every, or train a model on it\n$/,
    );
  }));

Deno.test("compare without a network, and inspect", () =>
  withFolder(async (folder) => {
    const file = `${folder}/sales.csv`;
    await Deno.writeTextFile(file, sales(1).replaceAll("store 1,", "").replace("store,", ""));
    const compared = await forecast(folder, "compare", "--csv", file, "--no-network", "--json");
    const { best, results, horizon } = JSON.parse(compared.stdout);
    assert.equal(horizon, 12);
    assert.ok(results[best].mase <= results.seasonalNaive.mase);
    assert.equal(results.network, undefined);
    const inspected = await forecast(folder, "inspect", "--csv", file);
    assert.match(inspected.stdout, /60 values, by month, 2018-01-01 to 2022-12-01; a season of 12 steps\./);
    assert.match(inspected.stdout, /Seasons to choose from with --season: 12\./);
  }));

Deno.test("what cannot be forecast is said in one line", () =>
  withFolder(async (folder) => {
    const refused = async (text: string, message: RegExp, ...more: string[]) => {
      await Deno.writeTextFile(`${folder}/bad.csv`, text);
      const { code, stdout, stderr } = await forecast(
        folder,
        "compare",
        "--csv",
        `${folder}/bad.csv`,
        ...QUICK,
        ...more,
      );
      assert.match(stderr, message);
      assert.deepEqual([code > 0, stdout], [true, ""]);
    };
    const few = Array.from({ length: 12 }, (_, i) => `2020-${String(i + 1).padStart(2, "0")},${i}`).join("\n");
    await refused(
      `month,x\n${few}\n`,
      /^error: Cannot forecast .*: with a horizon of 10 a series must have at least 14 values, got at most 12; shorten --horizon\n$/,
      "--horizon",
      "10",
    );
    await refused("month,x\n2020-01,\n2020-02,\n", /^error: Cannot read .*numbers/);
    await refused("month,x\n2020-01,a\n2020-02,b\n", /^error: Cannot read .*numbers/);
  }));

Deno.test("series that never change and series too short to test get a forecast and a note", () =>
  withFolder(async (folder) => {
    const months = Array.from({ length: 40 }, (_, i) => new Date(Date.UTC(2018, i, 1)).toISOString().slice(0, 10));
    const rows = months.map((month, i) => `${month},5,${10 + i % 3},${i < 36 ? "" : i}`);
    await Deno.writeTextFile(`${folder}/odd.csv`, `month,still,busy,young\n${rows.join("\n")}\n`);
    const args = ["--csv", `${folder}/odd.csv`, "--horizon", "4", "--no-network", "--out", `${folder}/run`];
    const { code, stderr } = await forecast(folder, ...args);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /note: 1 of 3 series are too short to be compared on\n/);
    const lines = (await Deno.readTextFile(`${folder}/run/forecasts.csv`)).trimEnd().split("\n").slice(1);
    assert.equal(lines.length, 12);
    assert.ok(lines.every((line) => line.split(",").slice(2).every((cell) => Number.isFinite(Number(cell)))));
    assert.ok(
      lines.filter((line) => line.startsWith("still,")).every((line) =>
        Math.abs(Number(line.split(",")[2]) - 5) < 1e-6
      ),
    );
  }));

Deno.test("evaluate measures the network on splits, and the validation part chooses how much of the past it sees", () =>
  withFolder(async (folder) => {
    const random = new Random(3);
    const rows = Array.from({ length: 240 }, (_, t) => {
      const date = new Date(Date.UTC(2024, 0, 1, t)).toISOString().slice(0, 19);
      const wave = Math.sin(2 * Math.PI * t / 24);
      return `${date},${(50 + 10 * wave + random.normal()).toFixed(3)},${
        (5 - wave + random.normal(0, 0.1)).toFixed(3)
      }`;
    });
    const file = `${folder}/load.csv`;
    await Deno.writeTextFile(file, `date,a,b\n${rows.join("\n")}\n`);
    const args = ["evaluate", "--csv", file, "--splits", "144,48,48", "--horizon", "12", "--segment", "12"];
    const sizes = [
      "--hidden",
      "16",
      "--steps",
      "150",
      "--batch-size",
      "32",
      "--dropout",
      "0.1",
      "--learning-rate",
      "0.01",
    ];
    const { code, stdout, stderr } = await forecast(folder, ...args, ...sizes, "--past", "12,36", "--json");
    assert.equal(code, 0, stderr);
    const { results, past, test } = JSON.parse(stdout);
    assert.deepEqual(results.map((one: { past: number }) => one.past), [12, 36]);
    const best = results.toSorted((a: Validated, b: Validated) => a.validation.mse - b.validation.mse)[0];
    assert.equal(past, best.past);
    assert.equal(test.origins, 48 - 12 + 1);
    // A wave of variance 1/2 around the mean of each series is its variance but for the noise.
    assert.ok(test.mse < 0.3, `${test.mse}`);
    const refused = await forecast(folder, ...args, "--past", "13");
    assert.match(refused.stderr, /--past must be a multiple of the segment of 12 steps, got 13/);
    const short = await forecast(
      folder,
      "evaluate",
      "--csv",
      file,
      "--splits",
      "200,48,48",
      "--horizon",
      "12",
      "--past",
      "12",
    );
    assert.match(short.stderr, /"a" must have the 296 values of all splits, got 240; shorten --splits/);
  }));

interface Validated {
  readonly past: number;
  readonly validation: { readonly mse: number };
}
