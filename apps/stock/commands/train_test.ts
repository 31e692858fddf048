import { decodeSafetensors } from "@unfold/core";
import assert from "node:assert/strict";
import { withFolder } from "../../../tools/testing.ts";
import { runApp, stopApp } from "../../shared/_run_app.ts";
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
      "next.csv",
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
      /\n {2}probability of a rise over the next 2 days \(to 2015-10-29\): [\d.]+ %\n/,
    );
    const volatility = await run("--target", "volatility", "--horizon", "5");
    assert.match(
      volatility,
      /\nEWMA \(λ = 0.94\) .*\nHAR \(day, week, month\) .*\nnaive \(the last 5 days\) .*\nridge regression /,
    );
    assert.match(
      volatility,
      /\n {2}volatility of the next 5 days \(to 2015-11-01\): [\d.]+ % a year \(90 % interval [\d.]+ to [\d.]+ % a year\)\n/,
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

Deno.test("tomorrow's file has one more row: train --from continues the weights as a new run", () =>
  withFolder(async (folder) => {
    const [file, model] = [`${folder}/prices.csv`, `${folder}/a/model.safetensors`];
    await Deno.writeTextFile(file, csv(300));
    const first = await stock(folder, "--csv", file, "--out", `${folder}/a`, "--model", "gru", ...QUICK);
    assert.equal(first.code, 0, first.stderr);
    const bytes = await Deno.readFile(model);

    // A finished run is never written over.
    const again = await stock(folder, "--csv", file, "--out", `${folder}/a`, "--model", "gru", ...QUICK, "--resume");
    assert.deepEqual([again.code, again.stdout], [2, ""]);
    assert.match(
      again.stderr,
      /^error: Cannot resume: the run in .* is finished\. To forecast with it: forecast .* To train it .*: train --from .*\n$/,
    );
    assert.deepEqual(await Deno.readFile(model), bytes);

    await Deno.writeTextFile(file, csv(360));
    assert.equal((await stock(folder, "forecast", model, "--csv", file)).code, 0);
    const args = ["train", "--from", model, "--csv", file, "--epochs", "2"];
    const same = await stock(folder, ...args, "--out", `${folder}/a`);
    assert.deepEqual([same.code, same.stderr], [
      2,
      `error: --out must be another folder than that of the model, got ${folder}/a; name one by --out\n`,
    ]);
    const { code, stdout, stderr } = await stock(
      folder,
      ...args,
      "--out",
      `${folder}/b`,
      "--json",
      "--learning-rate",
      "1e-9",
    );
    assert.equal(code, 0, stderr);
    const { settings, data } = JSON.parse(stdout);
    assert.deepEqual([settings.model, settings.hidden, settings.window, data.rows], ["gru", 8, 10, 360]);
    // With hardly any learning the weights stay what they were.
    const [before, after] = [bytes, await Deno.readFile(`${folder}/b/model.safetensors`)].map((file) => {
      const { tensors } = decodeSafetensors(file, { file: "" });
      return [...tensors.values()].flatMap(({ data }) => [...data as Float32Array]);
    });
    assert.ok(before!.every((weight, i) => Math.abs(weight - after![i]!) < 1e-5));

    const other = await stock(folder, ...args, "--out", `${folder}/c`, "--hidden", "16");
    assert.deepEqual([other.code, other.stdout], [2, ""]);
    assert.match(other.stderr, /^error: --from takes --model, --hidden, .* from the model; leave out --hidden\n$/);
    const seen = await stock(folder, ...args, "--out", `${folder}/d`, "--test", "0.5");
    assert.match(
      seen.stderr,
      /warning: the model has been trained or chosen on prices up to 2015-09-\d\d, and the test part begins on 2015-/,
    );
  }));

Deno.test("an output folder outside the project is an error with the command that writes there", () =>
  withPrices(async (folder, file) => {
    const { code, stderr } = await stock(folder, "--csv", file, "--out", "/tmp/else where", ...QUICK);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: Cannot write to \/tmp\/else where: the app may write only where --allow-write says, a task in the project's folder; .* run deno run --allow-read --allow-write='\/tmp\/else where' apps\/stock\/main\.ts --csv .* --out '\/tmp\/else where' /,
    );
  }));

Deno.test("a picture that cannot be drawn does not cost the results", () =>
  withPrices(async (folder, file) => {
    const font = new URL(import.meta.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf")).pathname;
    const args = ["--csv", file, "--out", `${folder}/a`, ...QUICK];
    const { code, stdout, stderr } = await runApp("stock", folder, args, { denied: [font] });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Written to .*: model\.safetensors, metrics\.json, forecasts\.csv, next\.csv\n/);
    assert.match(stderr, /warning: the results are written, but not their picture: NotCapable: .*DejaVuSans\.ttf.*\n$/);
    assert.deepEqual([...Deno.readDirSync(`${folder}/a`)].map(({ name }) => name).sort(), [
      "forecasts.csv",
      "metrics.json",
      "model.safetensors",
      "next.csv",
    ]);
  }));

const strace = await new Deno.Command("strace", { args: ["-V"] }).output().then(({ success }) => success, () => false);

Deno.test({
  name: "results and their names are on disk before the checkpoints go",
  ignore: !strace,
  fn: () =>
    withPrices(async (folder, file) => {
      const under = ["strace", "-f", "-y", "-o", `${folder}/trace`, "-e", "trace=fsync,fdatasync,rename,unlink"];
      const out = await Deno.realPath(folder) + "/a";
      const { code, stderr } = await runApp("stock", folder, ["--csv", file, "--out", out, ...QUICK], { under });
      assert.equal(code, 0, stderr);
      const calls = [...(await Deno.readTextFile(`${folder}/trace`)).matchAll(/ (\w+)\(\d*[<"](.*?)[>"]/g)]
        .filter(([, , path]) => path!.startsWith(out))
        .map(([, call, path]) => `${call} ${path!.slice(out.length).replace(/\.\d+\.tmp/, ".tmp")}`);
      const results = ["model.safetensors", "metrics.json", "forecasts.csv", "next.csv"];
      const expected = [
        ...results.map((name) => `fsync /.${name}.tmp`),
        ...results.map((name) => `rename /.${name}.tmp`),
        "fsync ",
      ];
      const at = calls.indexOf(expected[0]!);
      assert.deepEqual(calls.slice(at, at + expected.length), expected);
      const removed = calls.findIndex((call) => call.startsWith("unlink /checkpoints/checkpoint-"));
      assert.ok(removed > at + expected.length, calls.join("\n"));
    }),
});
