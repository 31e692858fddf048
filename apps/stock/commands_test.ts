import assert from "node:assert/strict";
import { adam } from "@unfold/optimizers";
import { withFolder } from "../../tools/testing.ts";
import { csv, QUICK, stock } from "./_testing.ts";
import { parsePrices, type Prices } from "./prices.ts";
import { splitWindows } from "./split.ts";
import { beforeTest, candidates, tune } from "./tune.ts";

const FOLDS = ["--folds", "2", "--fold-days", "30"];

/** A folder with prices in it. */
function withPrices(test: (folder: string, file: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const file = `${folder}/prices.csv`;
    await Deno.writeTextFile(file, csv(300));
    await test(folder, file);
  });
}

Deno.test("forecasts over a horizon: a path of prices with intervals that grow, a probability, a volatility", () =>
  withPrices(async (folder, file) => {
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await stock(folder, "--csv", file, "--out", `${folder}/a`, ...QUICK, ...args);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const path = JSON.parse(await run("--horizon", "3", "--json")).next;
    assert.deepEqual(path.steps.map(({ ahead }: { ahead: number }) => ahead), [1, 2, 3]);
    const widths = path.steps.map(({ interval }: { interval: { low: number; high: number } }) =>
      interval.high - interval.low
    );
    assert.ok(widths[0] < widths[1] && widths[1] < widths[2], `${widths}`);
    assert.match(await run("--target", "direction", "--horizon", "2"), /\n {2}a rise over the next 2 days: [\d.]+ %\n/);
    const volatility = await run("--target", "volatility", "--horizon", "5");
    assert.match(
      volatility,
      /\nEWMA \(λ = 0.94\) .*\nHAR \(a day, a week, a month\) .*\nnaive \(the last 5 days\) .*\nridge regression /,
    );
    assert.match(
      volatility,
      /\n {2}volatility of the next 5 days: [\d.]+ % a year, 90 % interval [\d.]+ % a year to [\d.]+ % a year\n/,
    );
    assert.match(volatility, / the mean.*\n$/);
  }));

Deno.test("a horizon that is as long as the test part is refused", () =>
  withPrices(async (folder, file) => {
    const { code, stdout, stderr } = await stock(
      folder,
      "--csv",
      file,
      "--horizon",
      "40",
      "--out",
      `${folder}/a`,
      ...QUICK,
    );
    assert.deepEqual([code, stdout], [1, ""]);
    assert.equal(
      stderr,
      `error: Cannot test on ${file}: the test part must have more days than the horizon, 40, got 35\n`,
    );
    const season = await stock(folder, "--csv", file, "--season", "300", "--out", `${folder}/a`, ...QUICK);
    assert.match(season.stderr, /: a season of 300 days must lie before the test part, got 259 days there\n$/);
  }));

Deno.test("backtest: a row a fold, mean and spread below; report puts it all on one page that needs nothing", () =>
  withPrices(async (folder, file) => {
    const args = ["--csv", file, "--out", `${folder}/a`, ...QUICK];
    const tested = await stock(folder, "backtest", ...args, ...FOLDS);
    assert.equal(tested.code, 0, tested.stderr);
    const again = await stock(folder, "backtest", ...args, ...FOLDS, "--resume", "--json");
    // Nothing was left to do.
    assert.equal(again.stderr, "");
    const { folds, skill } = JSON.parse(again.stdout);
    const lines = (await Deno.readTextFile(`${folder}/a/backtest.jsonl`)).trimEnd().split("\n");
    assert.deepEqual(lines.slice(1).map((line) => JSON.parse(line)), folds);
    assert.deepEqual(folds.map(({ days }: { days: number }) => days), [30, 30]);
    // Without its last fold it goes on there.
    await Deno.writeTextFile(`${folder}/a/backtest.jsonl`, lines.slice(0, 2).join("\n"));
    const rest = await stock(folder, "backtest", ...args, ...FOLDS, "--resume", "--json");
    assert.match(rest.stderr, /^fold 2\/2: .*\n$/);
    assert.equal(rest.stdout, again.stdout);
    const skills = folds.map(({ scores }: { scores: Record<string, { skill: number }> }) => scores.model!.skill);
    assert.ok(Math.abs(skill.mean - (skills[0] + skills[1]) / 2) < 1e-15);
    assert.ok(Math.abs(skill.deviation - Math.abs(skills[0] - skills[1]) / Math.SQRT2) < 1e-15);
    assert.match(tested.stdout, /\nmean ± spread +-?[\d.]+ % ± [\d.]+ /);
    assert.match(
      tested.stdout,
      /\nThe model beats naive in \d of 2 folds, in \d of them by more than luck explains\.\n$/,
    );

    const without = await stock(folder, "report", `${folder}/a`);
    assert.deepEqual([without.code, without.stdout], [1, ""]);
    assert.equal(without.stderr, `error: Cannot read ${folder}/a/metrics.json: there is no such file\n`);
    assert.equal((await stock(folder, "train", ...args)).code, 0);
    const report = await stock(folder, "report", `${folder}/a`);
    assert.deepEqual([report.code, report.stderr], [0, ""]);
    const page = await Deno.readTextFile(`${folder}/a/report.html`);
    const headings = [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading);
    assert.deepEqual(headings, [
      "Beside forecasts that need no network",
      "Forecast",
      "Returns",
      "Errors over time",
      "Trained anew for each fold",
      "Learning curve",
      "Gradient lens",
      "Configuration",
    ]);
    assert.equal(page.match(/<svg /g)!.length, 5);
    assert.doesNotMatch(
      page.replaceAll(/xmlns(:xlink)?="[^"]*"/g, ""),
      /https?:|src=|href=|@import|<script|NaN|undefined/,
    );
    const files = ["metrics.json", "forecasts.csv", "backtest.jsonl"].map((name) => `${folder}/a/${name}`);
    const originals = await Promise.all(files.map((file) => Deno.readTextFile(file)));
    const refused = async (index: number, from: string | RegExp, to: string, message: RegExp) => {
      await Deno.writeTextFile(files[index]!, originals[index]!.replace(from, to));
      const { code, stdout, stderr } = await stock(folder, "report", `${folder}/a`);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout, stderr.split("\n").length], [1, "", 2]);
      await Deno.writeTextFile(files[index]!, originals[index]!);
    };
    await refused(
      2,
      '"hidden":8',
      '"hidden":9',
      /must be of the run that metrics.json is of, got a hidden of 9 and 8 there/,
    );
    await refused(2, '"mse"', '"rmse"', /backtest.jsonl: line 2 must be a fold of backtest, got /);
    await refused(1, /^(.*)\n.*\n/, "$1\n", /forecasts.csv must have the test days of metrics.json, got others\n$/);
    await refused(1, /\n\d{4}/, "\nbana", /forecasts.csv: line 2, column made: it must be a day, got "bana-/);
    await refused(0, '"price"', '"rent"', /forecasts.csv must have the test days of metrics.json, got others\n$/);
    await refused(0, /"next": \{/, '"after": {', /metrics.json must be as train wrote it/);
    await Deno.writeTextFile(`${folder}/a/metrics.json`, "{}");
    const broken = await stock(folder, "report", `${folder}/a`);
    assert.equal(
      broken.stderr,
      `error: Cannot read ${folder}/a/metrics.json: it must be JSON with history, got "{}"\n`,
    );
  }));

Deno.test("tune: a file with a line a trial, which a second run goes on with; the last words are how to train the best", () =>
  withPrices(async (folder, file) => {
    // The longest window and the test part leave few days for folds.
    const args = ["tune", "--csv", file, "--epochs", "1", "--folds", "1", "--fold-days", "20", "--seed", "3"];
    const run = (out: string, ...more: string[]) => stock(folder, ...args, "--out", `${folder}/${out}`, ...more);
    const lines = async (out: string) => (await Deno.readTextFile(`${folder}/${out}/tune.jsonl`)).trimEnd().split("\n");
    const whole = await run("whole", "--trials", "4");
    assert.equal(whole.code, 0, whole.stderr);
    const trials = (await lines("whole")).slice(1).map((line) => JSON.parse(line));
    const best = trials.reduce((a, b) => b.skills[0] > a.skills[0] ? b : a).candidate;
    assert.equal(
      whole.stdout.trimEnd().split("\n").at(-1),
      `  train --model ${best.model} --hidden ${best.hidden} --window ${best.window} --learning-rate ${best.learningRate} ` +
        `--csv ${file} --epochs 1 --seed 3`,
    );
    assert.equal((await run("parts", "--trials", "2")).code, 0);
    const again = await run("parts", "--trials", "4");
    assert.deepEqual([again.code, again.stdout], [1, ""]);
    assert.match(
      again.stderr,
      /^error: Cannot start anew: .*tune\.jsonl is there already; --resume goes on with it, --out names another folder\n$/,
    );
    const resumed = await run("parts", "--trials", "4", "--resume");
    assert.deepEqual(resumed.stderr.trim().split("\n").map((line) => line.slice(0, 9)), ["trial 3/4", "trial 4/4"]);
    assert.deepEqual(await lines("parts"), await lines("whole"));
    const other = await run("parts", "--trials", "4", "--resume", "--validation", "0.2");
    assert.match(
      other.stderr,
      /^error: Cannot go on with .*tune\.jsonl: it is of another run: its validation is 0\.15, this run\'s 0\.2\n$/,
    );
    await Deno.writeTextFile(`${folder}/parts/tune.jsonl`, [...(await lines("parts")).slice(0, 2), "{"].join("\n"));
    const broken = await run("parts", "--trials", "4", "--resume");
    assert.match(broken.stderr, /^error: Cannot read .*tune\.jsonl: line 3 must be a JSON object, got "\{"\n$/);
  }));

Deno.test("tune sees nothing of the test part of any candidate", async () => {
  const settings = {
    target: "price" as const,
    horizon: 2,
    season: 5,
    features: "returns" as const,
    epochs: 1,
    batchSize: 32,
    validation: 0.15,
    test: 0.15,
    seed: 3,
    folds: 1,
    foldDays: 20,
    trials: 2,
  };
  const prices = parsePrices(csv(300), "walk");
  const known = beforeTest(prices, settings);
  const end = known.dates.length;
  for (const window of [5, 10, 20, 30, 60]) {
    const { test } = splitWindows(prices, { window, warmUp: 21, horizon: 2 }, settings);
    // The last day that is known is at the latest the one on which the first test forecast is made.
    assert.ok(end - 1 <= test.from + 21);
  }
  assert.ok(end > 230);
  const altered: Prices = {
    ...prices,
    close: prices.close.map((price, day) => day < end ? price : price * (2 + day % 3)),
  };
  const trials = async (some: Prices) => {
    const found = [];
    const run = { done: 0, makeOptimizer: () => Promise.resolve(adam()), signal: new AbortController().signal };
    for await (const trial of tune(some, settings, run)) found.push(trial);
    return found;
  };
  assert.deepEqual(await trials(altered), await trials(prices));
  const some = Array.from({ length: 200 }, ((all) => () => all.next().value)(candidates(1)));
  assert.equal(new Set(some.map(({ model }) => model)).size, 4);
  assert.ok(some.every(({ learningRate }) => learningRate >= 1e-4 && learningRate <= 1e-2));
});

Deno.test("compare: every model with several seeds, beside the baselines", () =>
  withPrices(async (folder, file) => {
    const args = ["compare", "--csv", file, "--seeds", "2", ...QUICK];
    const { code, stdout, stderr } = await stock(folder, ...args);
    assert.equal(code, 0, stderr);
    const row = /^\w+ +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+ +-?[\d.]+ % ± [\d.]+ +[012] of 2$/gm;
    assert.deepEqual(stdout.match(row)!.map((line) => line.split(" ")[0]), ["lstm", "gru", "rnn", "mlp"]);
    assert.match(stdout, /\nnaive \(tomorrow = today\) .*\ndrift .*\nseasonal .*\nridge regression /);
    const { models } = JSON.parse((await stock(folder, ...args, "--json")).stdout);
    assert.match(stdout, /\n(No model beats naive by|Better than naive by) more than luck explains.*\.\n$/);
    assert.deepEqual(models[1].seeds.map(({ seed }: { seed: number }) => seed), [1, 2]);
    assert.notEqual(models[1].seeds[0].scores.model.mse, models[1].seeds[1].scores.model.mse);
  }));
