import assert from "node:assert/strict";
import { withFolder } from "../../../tools/testing.ts";
import { stopApp } from "../../shared/_run_app.ts";
import { csv, QUICK, stock, withPrices } from "../_testing.ts";

Deno.test("an optimizer comes by name or from a module, with its options, and the metrics record it", () =>
  withFolder(async (folder) => {
    const [file, module] = [`${folder}/prices.csv`, `${folder}/mine.ts`];
    await Deno.writeTextFile(file, csv(300));
    await Deno.writeTextFile(
      module,
      `import type { OptimizerPlugin } from "@unfold/optimizers";
       export function signSgd({ floor = 0 }: { floor?: number } = {}): OptimizerPlugin {
         return {
           name: "signSgd",
           update({ params, grads }, { learningRate }) {
             for (let i = 0; i < params.length; i++) {
               if (Math.abs(grads[i]!) > floor) params[i]! -= learningRate * Math.sign(grads[i]!);
             }
           },
         };
       }`,
    );
    const run = async (name: string, ...args: string[]) => {
      const out = `${folder}/${name}`;
      const { code, stdout, stderr } = await stock(folder, "--csv", file, "--out", out, "--json", ...QUICK, ...args);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const mine = await run("a", "--optimizer", module, "--optimizer-option", "floor=1e-4");
    assert.deepEqual([mine.settings.optimizer, mine.settings.optimizerOption], [module, { floor: 1e-4 }]);
    const lion = await run("b", "--optimizer", "lion", "--optimizer-option", "betas=0.5,0.6");
    assert.deepEqual(lion.settings.optimizerOption, { betas: [0.5, 0.6] });
    assert.notEqual(mine.scores.model.mse, lion.scores.model.mse);

    const refused = await stock(folder, "--csv", file, "--out", `${folder}/c`, "--optimizer", "lion2");
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /^error: Cannot use the optimizer lion2: it must be one of adadelta, .*\n$/);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["a", "b", "mine.ts", "prices.csv"]);
  }));

Deno.test("a stopped run exits with 130 and says how to resume; resuming gives the same files, bit for bit", () =>
  withFolder(async (folder) => {
    const file = `${folder}/prices.csv`;
    await Deno.writeTextFile(file, csv(2000));
    const args = (name: string) => ["--csv", file, "--out", `${folder}/${name}`, "--epochs", "6", "--hidden", "16"];
    const whole = await stock(folder, ...args("whole"));
    assert.equal(whole.code, 0, whole.stderr);

    const stopped = await stopApp("stock", folder, args("left"), "SIGINT");
    assert.deepEqual([stopped.code, stopped.stdout], [130, ""], stopped.stderr);
    assert.match(
      stopped.stderr,
      /stopped in epoch \d+ after step \d+\nRun the same command with --resume to continue\.\n$/,
    );

    const again = await stock(folder, ...args("left"));
    assert.deepEqual([again.code, again.stdout], [1, ""]);
    assert.match(
      again.stderr,
      /^error: Cannot train from the start: .* resume it, remove them, or name another folder\n$/,
    );
    const other = await stock(folder, ...args("left"), "--resume", "--seed", "2");
    assert.match(
      other.stderr,
      /^error: Cannot resume from .*: it belongs to another run: its seed is 1, this run's 2\n$/,
    );

    const resumed = await stock(folder, ...args("left"), "--resume");
    assert.equal(resumed.code, 0, resumed.stderr);
    for (const name of ["model.safetensors", "metrics.json", "forecasts.csv"]) {
      assert.deepEqual(
        await Deno.readFile(`${folder}/left/${name}`),
        await Deno.readFile(`${folder}/whole/${name}`),
        name,
      );
    }
    assert.deepEqual([...Deno.readDirSync(`${folder}/left`)].map(({ name }) => name).sort(), [
      "forecast.png",
      "forecast.svg",
      "forecasts.csv",
      "metrics.json",
      "model.safetensors",
    ]);
  }));

Deno.test("forecasts over a horizon: prices with widening intervals, a probability, a volatility", () =>
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
    assert.match(
      await run("--target", "direction", "--horizon", "2"),
      /\n {2}probability of a rise over the next 2 days: [\d.]+ %\n/,
    );
    const volatility = await run("--target", "volatility", "--horizon", "5");
    assert.match(
      volatility,
      /\nEWMA \(λ = 0.94\) .*\nHAR \(day, week, month\) .*\nnaive \(the last 5 days\) .*\nridge regression /,
    );
    assert.match(
      volatility,
      /\n {2}volatility of the next 5 days: [\d.]+ % a year \(90 % interval [\d.]+ to [\d.]+ % a year\)\n/,
    );
    assert.match(volatility, / the mean.*\n$/);
  }));

Deno.test("a horizon or a season that is too long is refused", () =>
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
    assert.match(season.stderr, /: a season must be at most the 259 days before the test part, got 300\n$/);
  }));
