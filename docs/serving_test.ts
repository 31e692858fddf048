import { decodeSafetensors, scope, tensor } from "@unfold/core";
import { type Dense, type GRU, loadModel, type Sequential } from "@unfold/layers";
import { loadScaler } from "@unfold/training";
import assert from "node:assert/strict";
import { withFolder } from "../tools/testing.ts";

const PROJECT = new URL("..", import.meta.url).pathname;

/** The programs of a page. */
function programsOf(page: string): string[] {
  const text = Deno.readTextFileSync(new URL(page, import.meta.url));
  return [...text.matchAll(/^```ts ignore\n([^]*?)^```/gm)].map(([, code]) => code!);
}

/** Writes the configuration that own_project.md shows, for this clone, into a folder. */
async function configure(folder: string): Promise<void> {
  const [, json] = /^```json\n([^]*?)^```/m.exec(Deno.readTextFileSync(new URL("own_project.md", import.meta.url)))!;
  const config = json!.replaceAll("../unfold/", PROJECT);
  assert.notEqual(config, json);
  await Deno.writeTextFile(`${folder}/deno.json`, config);
}

/** Runs a program of a page as the page says. */
async function run(folder: string, program: string, ...permissions: readonly string[]): Promise<string> {
  await Deno.writeTextFile(`${folder}/program.ts`, program);
  const args = ["run", "--quiet", "--check", "--no-prompt", ...permissions, "program.ts"];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("own_project.md: the program trains in a project of its own, and saves a model that loads", () =>
  withFolder(async (folder) => {
    await configure(folder);
    const [program] = programsOf("own_project.md") as [string];
    const losses = (await run(folder, program, "--allow-write=.")).trim().split("\n").map((line) =>
      Number(line.split(" ")[1])
    );
    assert.equal(losses.length, 5);
    assert.ok(losses[4]! < losses[0]! / 2, String(losses));
    const model = loadModel(await Deno.readFile(`${folder}/model.safetensors`));
    using _ = scope();
    assert.deepEqual(model.forward(tensor([[[1], [2]]])).shape, [1, 1]);
  }));

Deno.test("serving.md: a model is trained, loaded and served to clients, each with its state", () =>
  withFolder(async (folder) => {
    await configure(folder);
    const [trainer, loader, server] = programsOf("serving.md") as [string, string, string];
    const log = await run(folder, trainer, "--allow-write=.");
    const losses = log.trim().split("\n").map((line) => Number(line.split(" ")[1]));
    assert.ok(losses[2]! < 0.1, log);

    const bytes = await Deno.readFile(`${folder}/model.safetensors`);
    const [gru, dense] = (loadModel(bytes) as Sequential).layers as [GRU, Dense];
    const scaler = loadScaler(JSON.parse(decodeSafetensors(bytes).metadata.scaler!));
    /** The forecast after a whole sequence. */
    const forecast = (...values: number[]): number => {
      using _ = scope();
      const { data } = scaler.transform({ data: Float32Array.from(values), columns: 1 });
      const { output } = gru.run(tensor(data, { shape: [1, values.length, 1] }));
      return scaler.inverse({ data: dense.forward(output).data, columns: 1 }).data.at(-1)!;
    };
    const near = (actual: number, ...values: number[]) => {
      const expected = forecast(...values);
      assert.ok(Math.abs(actual - expected) < 1e-4, `${actual}, expected ${expected}`);
    };
    near(Number(await run(folder, loader, "--allow-read=.")), 15, 17, 19);

    await Deno.writeTextFile(`${folder}/serve.ts`, server);
    const args = [
      "run",
      "--check",
      "--no-prompt",
      "--allow-read=.",
      "--allow-net=127.0.0.1",
      "serve.ts",
      "0",
    ];
    const child = new Deno.Command(Deno.execPath(), { args, cwd: folder, stdout: "null", stderr: "piped" }).spawn();
    const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    try {
      const url = await addressOf(reader);
      const post = async (client: string, body: string): Promise<{ next: number }> => {
        return await (await fetch(url + client, { method: "POST", body })).json();
      };
      const send = async (client: string, value: number) => (await post(client, JSON.stringify({ value }))).next;
      near(await send("anna", 15), 15);
      near(await send("ben", 4), 4);
      near(await send("anna", 17), 15, 17);
      near(await send("ben", 5), 4, 5);
      near(await send("anna", 19), 15, 17, 19);
      const gone = await fetch(`${url}anna`, { method: "DELETE" });
      await gone.body?.cancel();
      assert.equal(gone.status, 204);
      near(await send("anna", 3), 3);
      near(await send("ben", 6), 4, 5, 6);
      for (const body of ["", "[]", '{"value": "1"}', "null"]) {
        const refused = await fetch(`${url}ben`, { method: "POST", body });
        assert.equal(refused.status, 400);
        assert.match((await refused.json()).error, /must have a body/);
      }
      near(await send("ben", 7), 4, 5, 6, 7);
    } finally {
      child.kill();
      await reader.cancel();
      await child.status;
    }
  }));

/** The address that a server prints when it listens. */
async function addressOf(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    text += value ?? "";
    const [url] = /http:\/\/\S+\//.exec(text) ?? [];
    if (url !== undefined) return url;
    assert.ok(!done, text);
  }
}
