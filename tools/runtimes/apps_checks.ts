/** Runs the apps of the installed npm package on Node, Bun and in Deno, from another folder. */

import assert from "node:assert/strict";
import { csv, QUICK } from "../../apps/stock/_testing.ts";
import { folder, HAS_RUNTIMES, outputOf, project, RUNTIMES } from "./_project.ts";

const UNFOLD = `${project}/node_modules/@unfold/apps/unfold.js`;
/** Where the apps run. Unlike the project, it has no packages. */
const away = `${folder}/away`;

/** How each runtime starts the apps. Deno gets the permissions in the README of the apps, and no more. */
const COMMANDS: Readonly<Record<string, readonly [program: string, ...args: string[]]>> = {
  ...(HAS_RUNTIMES && Object.fromEntries(Object.entries(RUNTIMES).map(([name, path]) => [name, [path, UNFOLD]]))),
  Deno: [Deno.execPath(), "run", "--no-prompt", "--allow-read", "--allow-write=.", UNFOLD],
};

/** Names of the files in a folder, those of checkpoints and locks left out. */
const filesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

Deno.test("the files that the apps read are written", async () => {
  await Deno.mkdir(away);
  await Deno.writeTextFile(`${away}/prices.csv`, csv(300));
  await Deno.writeTextFile(`${away}/book.txt`, "It was the best of times, it was the worst of times.\n".repeat(60));
  const rows = Array.from({ length: 40 }, (_, i) => i % 2 === 0 ? `good text ${i},yes` : `bad text ${i},no`);
  await Deno.writeTextFile(`${away}/labels.csv`, ["text,label", ...rows].join("\n"));
});

for (const [runtime, [program, ...first]] of Object.entries(COMMANDS)) {
  const unfold = (...args: string[]) => outputOf(away, program, ...first, ...args);
  const out = runtime.replace(" ", "-");

  Deno.test(`${runtime} runs the apps of the npm package`, async (t) => {
    await t.step("help", async () => {
      assert.match((await unfold("--help")).stdout, /^Usage: unfold <app>/);
      assert.match((await unfold("stock", "--help")).stdout, /^Usage: unfold stock /);
    });
    await t.step("stock", async () => {
      const folder = `${out}/stock`;
      const { stdout, stderr } = await unfold("stock", "--csv", "prices.csv", ...QUICK, "--out", folder);
      assert.match(stdout, /^next day's close .*MSE/m);
      assert.doesNotMatch(stderr, /warning: .*picture/);
      assert.deepEqual(filesIn(`${away}/${folder}`), [
        ...["forecast.png", "forecast.svg", "forecasts.csv", "metrics.json", "model.safetensors", "next.csv"],
      ]);
      const found = await unfold("stock", "inspect", "prices.csv");
      assert.match(found.stdout, /@unfold\/apps stock --csv prices\.csv/);
      const next = await unfold("stock", "forecast", `${folder}/model.safetensors`, "--csv", "prices.csv");
      assert.match(next.stdout, /in 1 day/);
    });
    await t.step("forecast", async () => {
      const folder = `${out}/forecast`;
      const size = ["--horizon", "3", "--season", "7", "--steps", "3", "--hidden", "4"];
      await unfold("forecast", "--csv", "prices.csv", "--column", "Close", ...size, "--out", folder);
      assert.ok(filesIn(`${away}/${folder}`).includes("forecasts.csv"));
    });
    await t.step("text", async () => {
      const folder = `${out}/text`;
      await unfold("text", "--text", "book.txt", "--epochs", "1", "--hidden", "8", "--out", folder);
      const { stdout } = await unfold("text", "generate", `${folder}/model.safetensors`, "--length", "20");
      assert.equal(stdout.length, 21);
      const classes = ["classify", "--csv", "labels.csv", "--epochs", "1", "--hidden", "4", "--out", folder];
      await unfold("text", ...classes);
      const labelled = await unfold(
        ...["text", "classify", "predict", `${folder}/classifier.safetensors`, "--csv", "labels.csv"],
      );
      assert.equal(labelled.stdout.trim().split("\n").length, 41);
    });
    await t.step("text that nobody reads any more", async () => {
      const args = [...first, "text", "generate", `${out}/text/model.safetensors`, "--length", "1000000"];
      const child = new Deno.Command(program, { args, cwd: away, stdout: "piped", stderr: "piped" }).spawn();
      const reader = child.stdout.getReader();
      await reader.read();
      await reader.cancel();
      const errors = await new Response(child.stderr).text();
      assert.deepEqual([(await child.status).code, errors], [0, ""]);
    });
    await t.step("the data sets in the package", async () => {
      const { stdout } = await unfold("forecast", "inspect");
      assert.match(stdout, /CO2 at Mauna Loa/);
    });
    await t.step("what cannot be read is refused in one line", async () => {
      const refused = await new Deno.Command(program, { args: [...first, "stock", "--csv", "none.csv"], cwd: away })
        .output();
      const message = new TextDecoder().decode(refused.stderr);
      assert.deepEqual([refused.code, message], [1, "error: Cannot read none.csv: there is no such file\n"]);
    });
  });
}
