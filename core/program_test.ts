import assert from "node:assert/strict";
import { withFolder } from "../tools/testing.ts";
import { VERSION } from "./_program.ts";
import config from "./deno.json" with { type: "json" };

/** Copies the sources of a folder. */
async function copySources(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory && name === "ops") await copySources(new URL("ops/", from), `${to}/ops`);
    else if (name.endsWith(".ts")) await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}

Deno.test("a second copy of core in a program is refused, with both versions and places", () =>
  withFolder(async (folder) => {
    const here = new URL("./", import.meta.url);
    await copySources(here, `${folder}/core`);
    await Deno.writeTextFile(`${folder}/main.ts`, `import "${here}mod.ts"; import "./core/kernels.ts";`);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "--no-config", "--no-lock", `${folder}/main.ts`],
      env: { NO_COLOR: "1" },
    }).output();
    const message = new TextDecoder().decode(stderr);
    const start = `error: Uncaught (in promise) Error: Cannot load @unfold/core ${VERSION} from file://`;
    assert.ok(!success && message.startsWith(start), message);
    assert.ok(message.includes(`/core/_program.ts: a program must have one copy`), message);
    assert.ok(message.includes(`got ${VERSION} from ${here}_program.ts before; `), message);
  }));

Deno.test("a Worker has a copy of its own", async () => {
  const source = `const { tensor } = await import("${new URL("./mod.ts", import.meta.url)}"); ` +
    "postMessage(tensor([2]).item());";
  const worker = new Worker(`data:application/javascript,${encodeURIComponent(source)}`, { type: "module" });
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
  });
  worker.terminate();
  assert.equal(answer, 2);
});

Deno.test("the version is that of deno.json", () => assert.equal(VERSION, config.version));
