import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { stopApp } from "../shared/_run_app.ts";
import { csv, QUICK, stock } from "./_testing.ts";

Deno.test("an optimizer comes by name or from a module, with its options, and what was chosen is written down", () =>
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
    assert.match(refused.stderr, /^error: Cannot use the optimizer lion2: it must be adadelta, .*\n$/);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["a", "b", "mine.ts", "prices.csv"]);
  }));

Deno.test("a run that is stopped exits with 130 and says how to go on; resumed it writes what a whole one does, to the bit", () =>
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
      /stopped in epoch \d+ after step \d+\nThe same command with --resume goes on from here.\n$/,
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

for (const model of ["gru", "rnn", "mlp"]) {
  Deno.test(`${model}: trained, written and read back it gives the same forecast to the bit`, () =>
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

Deno.test("the textbook's features: trained, written and read back they give the same forecast to the bit", () =>
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
    assert.match(without.stderr, /^error: Cannot read .*: line 1: column open is missing; it has "Date", "Close"\n$/);
  }));
