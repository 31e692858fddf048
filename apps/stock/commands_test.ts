import assert from "node:assert/strict";
import { withFolder } from "../../tools/with_folder.ts";
import { QUICK, stock } from "./_run_app.ts";
import { csv } from "./_walk.ts";
import { parsePrices, type Prices } from "./prices.ts";
import { beforeTest, candidates, tune } from "./tune.ts";
import { adam } from "@unfold/optimizers";

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
    assert.match(volatility, / EWMA.*\n$/);
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
    const { folds, skill } = JSON.parse(await Deno.readTextFile(`${folder}/a/backtest.json`));
    assert.deepEqual(folds.map(({ days }: { days: number }) => days), [30, 30]);
    const skills = folds.map(({ scores }: { scores: Record<string, { skill: number }> }) => scores.model!.skill);
    assert.ok(Math.abs(skill.mean - (skills[0] + skills[1]) / 2) < 1e-15);
    assert.ok(Math.abs(skill.deviation - Math.abs(skills[0] - skills[1]) / Math.SQRT2) < 1e-15);
    assert.match(tested.stdout, /\nmean ± spread +-?[\d.]+ % ± [\d.]+ /);
    assert.match(tested.stdout, /\nThe model beats naive in \d of 2 folds\.\n$/);

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
    assert.match(whole.stdout, /\n {2}train --model \w+ --hidden \d+ --window \d+ --learning-rate [\d.e-]+\n$/);
    assert.equal((await run("parts", "--trials", "2")).code, 0);
    const again = await run("parts", "--trials", "4");
    assert.deepEqual([again.code, again.stdout], [2, ""]);
    assert.match(
      again.stderr,
      /^error: .*tune\.jsonl is there already: --resume goes on with it, --out names another folder\n$/,
    );
    const resumed = await run("parts", "--trials", "4", "--resume");
    assert.deepEqual(resumed.stderr.trim().split("\n").map((line) => line.slice(0, 9)), ["trial 3/4", "trial 4/4"]);
    assert.deepEqual(await lines("parts"), await lines("whole"));
    const other = await run("parts", "--trials", "4", "--resume", "--validation", "0.2");
    assert.match(
      other.stderr,
      /^error: Cannot go on with .*tune\.jsonl: it must be of the same search, .*"validation":0\.2.*, got .*0\.15/,
    );
    await Deno.writeTextFile(`${folder}/parts/tune.jsonl`, [...(await lines("parts")).slice(0, 2), "{"].join("\n"));
    const broken = await run("parts", "--trials", "4", "--resume");
    assert.match(broken.stderr, /^error: Cannot go on with .*tune\.jsonl: line 3 must be trial 2, got \{\n$/);
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
  assert.ok(end > 230 && end < 270, `${end}`);
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
    const row = /^\w+ +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+ +-?[\d.]+ % ± [\d.]+ % +[012] of 2$/gm;
    assert.deepEqual(stdout.match(row)!.map((line) => line.split(" ")[0]), ["lstm", "gru", "rnn", "mlp"]);
    assert.match(stdout, /\nnaive \(tomorrow = today\) .*\ndrift .*\nseasonal .*\nridge regression /);
    const { models } = JSON.parse((await stock(folder, ...args, "--json")).stdout);
    assert.deepEqual(models[1].seeds.map(({ seed }: { seed: number }) => seed), [1, 2]);
    assert.notEqual(models[1].seeds[0].score.mse, models[1].seeds[1].score.mse);
  }));
