import { Random } from "@unfold/core";
import assert from "node:assert/strict";
import { withFolder } from "../tools/testing.ts";

const KILLS = 25;
const EPOCHS = 120;

/** Starts the run in a folder. */
function start(folder: string, epochs = EPOCHS): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--allow-read",
      "--allow-write",
      "training/testdata/resumable_run.ts",
      folder,
      String(epochs),
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function finish(child: Deno.ChildProcess) {
  const { code, signal, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, signal, stdout: text(stdout), stderr: text(stderr) };
}

/** When the folder has had a checkpoint written since a time, or the process has ended. */
async function untilCheckpoint(folder: string, child: Deno.ChildProcess): Promise<void> {
  let over = false;
  child.status.then(() => over = true);
  const since = Date.now();
  while (!over) {
    try {
      const times = [...Deno.readDirSync(folder)].map(({ name }) =>
        Deno.statSync(`${folder}/${name}`).mtime!.getTime()
      );
      if (Math.max(...times) > since) return;
    } catch {
      // There is no folder yet, or a file has just been renamed.
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

Deno.test(`a run that is killed ${KILLS} times at random moments ends with the weights of one that is not, to the bit`, () =>
  withFolder(async (folder) => {
    const whole = await finish(start(`${folder}/whole`));
    assert.equal(whole.code, 0, whole.stderr);
    const random = new Random(1);
    let kills = 0;
    for (let attempt = 0; kills < KILLS; attempt++) {
      const child = start(`${folder}/killed`);
      await untilCheckpoint(`${folder}/killed`, child);
      await new Promise((resolve) => setTimeout(resolve, random.uniform(0, 25)));
      try {
        child.kill("SIGKILL");
      } catch {
        // It was done before.
      }
      const { code, signal, stderr } = await finish(child);
      if (signal !== "SIGKILL") {
        assert.fail(`the run was over after ${kills} kills (exit code ${code}): ${stderr}`);
      }
      kills++;
    }
    const { code, stdout, stderr } = await finish(start(`${folder}/killed`));
    assert.equal(code, 0, stderr);
    assert.equal(stdout, whole.stdout);
  }));

for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} ends the step, writes a checkpoint and exits with ${exitCode}; the run goes on to the bit`, () =>
    withFolder(async (folder) => {
      const whole = await finish(start(`${folder}/whole`, 20));
      const child = start(`${folder}/stopped`, 20);
      await untilCheckpoint(`${folder}/stopped`, child);
      child.kill(signal);
      const stopped = await finish(child);
      assert.deepEqual([stopped.code, stopped.stdout], [exitCode, ""]);
      const step = Number(stopped.stderr.match(/^stopped; the same command goes on from step (\d+)$/)?.[1]);
      const newest = [...Deno.readDirSync(`${folder}/stopped`)].map(({ name }) => name).sort().at(-1);
      assert.equal(newest, `checkpoint-${String(step).padStart(9, "0")}.safetensors`);
      const rest = await finish(start(`${folder}/stopped`, 20));
      assert.deepEqual([rest.code, rest.stdout], [0, whole.stdout]);
    }));
}

Deno.test("a second SIGINT leaves at once", async () => {
  const program = 'import { stopOnSignals } from "@unfold/training"; globalThis.stop = stopOnSignals(); ' +
    'setInterval(() => {}, 1000); console.log("ready");';
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  child.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill("SIGINT");
  assert.equal((await finish(child)).code, 130);
});
