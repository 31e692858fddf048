import assert from "node:assert/strict";
import { withFolder } from "../../../tools/testing.ts";
import { type Outcome, runApp, stopApp } from "../../shared/_run_app.ts";

/** Options that make a run short. */
const QUICK = ["--steps", "30", "--hidden", "8", "--batch-size", "16", "--folds", "2", "--horizon", "6"];

function forecast(folder: string, ...args: string[]): Promise<Outcome> {
  return runApp("forecast", folder, args);
}

/** Two series of 72 months. */
async function write(file: string): Promise<void> {
  const rows = Array.from({ length: 72 }, (_, t) => {
    const date = new Date(Date.UTC(2018, t, 1)).toISOString().slice(0, 7);
    const season = Math.sin(2 * Math.PI * t / 12);
    return `${date},${(50 + 20 * season + (t * 7919) % 11).toFixed(1)},${
      (90 - 9 * season + (t * 104729) % 13).toFixed(1)
    }`;
  });
  await Deno.writeTextFile(file, `month,an <i>ice</i>!,tea\n${rows.join("\n")}\n`);
}

Deno.test("backtest, tune, report and export work in the folder of train", () =>
  withFolder(async (folder) => {
    const [file, out] = [`${folder}/two.csv`, `${folder}/run`];
    await write(file);
    const args = ["--csv", file, ...QUICK, "--out", out];
    const ok = async (...args: string[]) => {
      const { code, stdout, stderr } = await forecast(folder, ...args);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    await ok(...args);
    const backtest = await ok("backtest", ...args);
    assert.match(
      backtest,
      /\n2022-12 to 2023-05 .*\n2023-06 to 2023-11 .*\n|\n2023-01 to 2023-06 .*\n2023-07 to 2023-12 .*\n/,
    );
    assert.match(
      backtest,
      /had the smallest error on average, MASE [\d.]+.*it was the best \(\*\) in \d of 2 folds\.\n$/,
    );
    const again = await forecast(folder, "backtest", ...args);
    assert.match(again.stderr, /^error: Cannot start: .*backtest\.jsonl already exists; continue it with --resume/);
    assert.equal(await ok("backtest", ...args, "--resume"), backtest);
    const other = await forecast(folder, "backtest", ...args, "--resume", "--hidden", "9");
    assert.match(other.stderr, /^error: Cannot resume .*: it must be from the same run, got hidden 8 instead of 9\n$/);

    const search = ["tune", "--csv", file, "--horizon", "6", "--batch-size", "8", "--folds", "1", "--out", out];
    const tuned = await ok(...search, "--trials", "1");
    assert.match(
      tuned,
      /\n {2}train --cell \w+ --hidden \d+ --dropout [\d.]+ --steps \d+ --learning-rate [\d.e-]+ --csv \S+ --horizon 6 .*\n$/,
    );
    const more = await ok(...search, "--trials", "2", "--resume", "--json");
    assert.equal(JSON.parse(more).trials.length, 2);

    assert.match(await ok("report", out), /^Written to .*: report\.html\n$/);
    const page = await Deno.readTextFile(`${out}/report.html`);
    assert.ok(page.includes("an &lt;i&gt;ice&lt;/i&gt;!") && !page.includes("<i>ice"));
    for (const part of ["Use ", "Comparison on 4 rolling origins", "Back-test", "Learning curve", "Settings", "<svg"]) {
      assert.ok(page.includes(part), part);
    }

    const model = `${out}/model.safetensors`;
    const exported = await ok("export", model);
    assert.match(exported, /^Written to .*: model\.onnx, model\.onnx\.json\n\ninput: \[batch, \d+\]\./);
    const about = JSON.parse(await Deno.readTextFile(`${out}/model.onnx.json`));
    assert.deepEqual([about.horizon, about.season, about.ids], [6, 12, ["an <i>ice</i>!", "tea"]]);

    // The same forecast again from the saved model, and another one on request.
    const forecasts = await Deno.readTextFile(`${out}/forecasts.csv`);
    assert.equal(await ok("forecast", model, "--csv", file), forecasts);
    const drift = await ok("forecast", model, "--csv", file, "--use", "drift");
    assert.notEqual(drift, forecasts);
    await Deno.writeTextFile(`${out}/forecasts.csv`, forecasts.replaceAll("tea", "tee"));
    const broken = await forecast(folder, "report", out);
    assert.match(
      broken.stderr,
      /^error: Cannot report: .*forecasts\.csv must be from the same run .*got "tee" in line 8 instead of "tea"/,
    );
  }));

Deno.test("a model without a network forecasts what train recommends, and cannot be exported", () =>
  withFolder(async (folder) => {
    const [file, out] = [`${folder}/two.csv`, `${folder}/run`];
    await write(file);
    const { code, stderr } = await forecast(folder, "--csv", file, ...QUICK, "--no-network", "--out", out);
    assert.equal(code, 0, stderr);
    const next = await forecast(folder, "forecast", `${out}/model.safetensors`, "--csv", file);
    assert.equal(next.stdout, await Deno.readTextFile(`${out}/forecasts.csv`));
    const exported = await forecast(folder, "export", `${out}/model.safetensors`);
    assert.match(
      exported.stderr,
      /^error: Cannot export: the model file must have a network, got none; train one without/,
    );
    const used = await forecast(folder, "forecast", `${out}/model.safetensors`, "--csv", file, "--use", "network");
    assert.match(
      used.stderr,
      /^error: Cannot forecast with the network: the model file must have a network, got none; /,
    );
  }));

Deno.test("a run that is stopped and resumed ends as one that never was", () =>
  withFolder(async (folder) => {
    const file = `${folder}/two.csv`;
    await write(file);
    const args = (out: string, ...more: string[]) => [
      ...["--csv", file, "--horizon", "6", "--folds", "2", "--hidden", "8", "--batch-size", "64", "--steps", "600"],
      ...["--out", `${folder}/${out}`, ...more],
    ];
    const whole = await forecast(folder, ...args("whole"));
    assert.equal(whole.code, 0, whole.stderr);
    const stopped = await stopApp("forecast", folder, args("parts"), "SIGINT", /epoch 1/);
    assert.equal(stopped.code, 130);
    assert.match(stopped.stderr, /\nRun the same command with --resume to continue\.\n$/);
    const other = await forecast(folder, ...args("parts", "--resume", "--seed", "5"));
    assert.match(other.stderr, /error: Cannot resume from .*: its seed is 1, this run's 5\n$/);
    const resumed = await forecast(folder, ...args("parts", "--resume"));
    assert.equal(resumed.code, 0, resumed.stderr);
    for (const name of ["model.safetensors", "forecasts.csv", "metrics.json"]) {
      assert.deepEqual(
        await Deno.readFile(`${folder}/parts/${name}`),
        await Deno.readFile(`${folder}/whole/${name}`),
        name,
      );
    }
    const left = [...Deno.readDirSync(`${folder}/parts`)].map(({ name }) => name);
    assert.ok(!left.includes("checkpoints"), left.join());
  }));

const months = (count: number) =>
  Array.from({ length: count }, (_, t) => `${2018 + Math.floor(t / 12)}-${String(t % 12 + 1).padStart(2, "0")}`);
const season = (t: number) => 10 + 5 * Math.sin(Math.PI * t / 6) + (t * 7919 % 10) / 10;

Deno.test("series that never change, that are short, and that are too short", () =>
  withFolder(async (folder) => {
    const run = async (values: readonly string[], ...more: string[]) => {
      const rows = values.map((value, t) => `${months(values.length)[t]},${value}`);
      await Deno.writeTextFile(`${folder}/x.csv`, `month,x\n${rows.join("\n")}\n`);
      return await forecast(folder, "compare", "--csv", `${folder}/x.csv`, "--steps", "20", "--hidden", "4", ...more);
    };
    const still = await run(Array(40).fill("7"));
    assert.match(still.stderr, /^note: a series never changes, so the forecast is its only value: x\n$/);
    assert.match(still.stdout, /\nUse the seasonal naive forecast, the last season again: it was exact over 3 origins/);
    const short = await run(Array.from({ length: 26 }, (_, t) => season(t).toFixed(1)));
    assert.match(short.stderr, /note: the horizon is 6, since no series has more than 26 values; --horizon sets it\n/);
    assert.match(short.stderr, /note: the series are too short to train a network on\n/);
    assert.match(short.stdout, /a season of 12 steps/);
    const few = await run(["3", "1", "2"]);
    assert.deepEqual([few.code, few.stdout], [2, ""]);
    assert.match(
      few.stderr,
      /with a horizon of 1 a series must have at least 5 values, got at most 3; wait for more values\n$/,
    );
    const large = await run(["1e301", "2e301", "1e300", "2e300", "1e301", "3e301"]);
    assert.match(
      large.stderr,
      /^error: Cannot read .*: the series "x" must have values of at most 1e\+100, got 1e\+301; /,
    );
  }));

Deno.test("series that a network of logarithms cannot take are forecast without it", () =>
  withFolder(async (folder) => {
    const rows = months(60).flatMap((month, t) =>
      ["a", "b", "c"].map((id, i) => `${month},${id},${season(t + i).toFixed(2)}`)
    );
    const text = `month,id,x\n${rows.join("\n")}\n`;
    await Deno.writeTextFile(`${folder}/x.csv`, text);
    const out = `${folder}/run`;
    const trained = await forecast(folder, "--csv", `${folder}/x.csv`, ...QUICK, "--out", out);
    assert.equal(trained.code, 0, trained.stderr);
    await Deno.writeTextFile(`${folder}/x.csv`, text.replaceAll("b,", "b,-"));
    const next = await forecast(
      folder,
      "forecast",
      `${out}/model.safetensors`,
      "--csv",
      `${folder}/x.csv`,
      "--use",
      "network",
    );
    assert.match(next.stderr, /warning: the network takes logarithms, so series with .* mean of ETS and Theta: "b"\n$/);
    const lines = next.stdout.split("\n");
    assert.ok(lines.filter((line) => line.startsWith("b,")).every((line) => Number(line.split(",")[2]) < 0));
    assert.ok(lines.filter((line) => line.startsWith("c,")).every((line) => Number(line.split(",")[2]) > 0));
  }));
