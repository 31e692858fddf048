import { tensor } from "@unfold/core";
import { Dense, meanSquaredError } from "@unfold/layers";
import { Optimizer, sgd } from "@unfold/optimizers";
import { Checkpoints, lockFolder, train } from "@unfold/training";
import assert from "node:assert/strict";
import { hostname } from "node:os";
import { withFolder } from "../tools/testing.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Starts a process that locks a folder, prints a line and waits. */
async function startHolder(folder: string): Promise<Deno.ChildProcess> {
  const program = `import { lockFolder } from "${new URL("./lock_folder.ts", import.meta.url)}";
    await lockFolder("${folder}"); console.log("locked"); setInterval(() => {}, 1000);`;
  await Deno.writeTextFile(`${folder}.ts`, program);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-read", "--allow-write", "--allow-sys=hostname", `${folder}.ts`],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  return child;
}

Deno.test("a locked folder is refused with its process and host; the lock of a killed process locks nothing", () =>
  withFolder(async (parent) => {
    const folder = `${parent}/out`;
    await Deno.mkdir(folder);
    const child = await startHolder(folder);
    const { pid, host } = JSON.parse(await Deno.readTextFile(`${folder}/.lock`));
    assert.equal(pid, child.pid);
    assert.ok(host.length > 0);
    await assert.rejects(() => lockFolder(folder), {
      message: `Cannot use ${folder}: it must be used by one run at a time, got another run in it, process ${pid} on ` +
        `${host}; wait until that ends, or choose another folder`,
    });
    child.kill("SIGKILL");
    await child.output();
    assert.deepEqual(names(folder), [".lock"]);
    const lock = await lockFolder(folder);
    assert.equal(JSON.parse(await Deno.readTextFile(`${folder}/.lock`)).pid, Deno.pid);
    lock[Symbol.dispose]();
    assert.deepEqual(names(folder), []);
  }));

Deno.test("a lock file with anything in it does not confuse the message", () =>
  withFolder(async (folder) => {
    using _ = await lockFolder(folder);
    for (const text of ["", "{", "[]", "null", '{"pid":"x"}', '{"pid":7,"host":"a\\u001b[2J"}']) {
      await Deno.writeTextFile(`${folder}/.lock`, text);
      await assert.rejects(() => lockFolder(folder), /got another run in it(, process 7)?; wait/);
    }
  }));

Deno.test("the lock file of a process that has ended locks nothing", () =>
  withFolder(async (folder) => {
    // No process has this number. In Deno, tests may not ask for the host's name, and locks do not depend on it.
    const host = "version" in Deno ? undefined : hostname();
    await Deno.writeTextFile(`${folder}/.lock`, JSON.stringify({ pid: 2 ** 22 + 1, host }));
    (await lockFolder(folder))[Symbol.dispose]();
    assert.deepEqual(names(folder), []);
  }));

Deno.test("a folder that cannot be made is refused", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(() => lockFolder(`${folder}/file/out`), /^Error: Cannot write to .*\/file\/out: /);
  }));

function setUp(folder: string) {
  const model = new Dense({ inputSize: 1, outputSize: 1 });
  const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.01 });
  const batches = [{ x: tensor([[1]]), y: tensor([[2]]) }];
  return { model, optimizer, loss: meanSquaredError, batches, epochs: 2, checkpoints: new Checkpoints({ folder }) };
}

Deno.test("of two runs into one folder the second is refused, and the first keeps its checkpoints", () =>
  withFolder(async (folder) => {
    for await (const event of train(setUp(folder))) {
      if (event.type !== "checkpoint") continue;
      const before = names(folder);
      for (const resume of [false, true]) {
        await assert.rejects(() => Array.fromAsync(train({ ...setUp(folder), resume })), {
          name: "CheckpointError",
          message: /must be used by one run at a time, got another run in it, process \d+/,
        });
      }
      assert.deepEqual(names(folder), before);
    }
    assert.deepEqual(names(folder), ["checkpoint-000000001.safetensors", "checkpoint-000000002.safetensors"]);
  }));

Deno.test("a run that fails before its first checkpoint leaves no folder", () =>
  withFolder(async (folder) => {
    const batches = [{ x: tensor([[NaN]]), y: tensor([[2]]) }];
    await assert.rejects(
      () => Array.fromAsync(train({ ...setUp(`${folder}/new`), batches })),
      /must hold finite values/,
    );
    assert.deepEqual(names(folder), []);
  }));

const strace = await new Deno.Command("strace", { args: ["-V"] }).output().then(({ success }) => success, () => false);

Deno.test({
  name: "a checkpoint and its name are on disk before an older checkpoint is removed",
  ignore: !strace,
  fn: () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(
        `${folder}/run.ts`,
        `import { Checkpoints } from "${new URL("./checkpoints.ts", import.meta.url)}";
         const checkpoints = new Checkpoints({ folder: Deno.args[0], keep: 1 });
         for (const step of [1, 2]) await checkpoints.save(step, {}, {});`,
      );
      const trace = ["-f", "-y", "-o", `${folder}/trace`, "-e", "trace=fsync,fdatasync,rename,unlink"];
      const run = ["run", "--no-check", "--config", "deno.json", "--allow-read", "--allow-write", `${folder}/run.ts`];
      const { success, stderr } = await new Deno.Command("strace", {
        args: [...trace, Deno.execPath(), ...run, `${folder}/out`],
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const calls = (await Deno.readTextFile(`${folder}/trace`)).split("\n").filter((line) => line.includes("/out"))
        .map((line) => /\b(\w+)\(/.exec(line)?.[1]).filter((name) => name !== undefined);
      // The first file and its name, the second file and its name, then the first goes.
      assert.deepEqual(calls, ["fsync", "rename", "fsync", "fsync", "rename", "fsync", "unlink"]);
    }),
});
