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

/** Waits until a new checkpoint is written to the folder, or the process ends. */
async function untilCheckpoint(folder: string, child: Deno.ChildProcess): Promise<void> {
  let over = false;
  child.status.then(() => over = true);
  const since = Date.now();
  while (!over) {
    try {
      const times = [...Deno.readDirSync(folder)].filter(({ name }) => name !== ".lock").map(({ name }) =>
        Deno.statSync(`${folder}/${name}`).mtime!.getTime()
      );
      if (Math.max(...times) > since) return;
    } catch {
      // The folder does not exist yet, or a file was just renamed.
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

Deno.test(`a run killed ${KILLS} times at random moments ends with the same weights as an uninterrupted one, bit for bit`, () =>
  withFolder(async (folder) => {
    const whole = await finish(start(`${folder}/whole`));
    assert.equal(whole.code, 0, whole.stderr);
    const random = new Random(1);
    // On a busy machine a run may end before it is killed: then another one is killed instead.
    for (let [run, kills] = [0, 0]; kills < KILLS;) {
      const child = start(`${folder}/killed${run}`);
      await untilCheckpoint(`${folder}/killed${run}`, child);
      await new Promise((resolve) => setTimeout(resolve, random.uniform(0, 25)));
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      const outcome = await finish(child);
      const killed = outcome.signal === "SIGKILL";
      if (killed) kills++;
      if (killed && kills < KILLS) continue;
      const { code, stdout, stderr } = killed ? await finish(start(`${folder}/killed${run}`)) : outcome;
      assert.equal(code, 0, stderr);
      assert.equal(stdout, whole.stdout);
      run++;
    }
  }));

for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} ends the step, writes a checkpoint and exits with ${exitCode}; the run resumes bit for bit`, () =>
    withFolder(async (folder) => {
      const whole = await finish(start(`${folder}/whole`, 20));
      const child = start(`${folder}/stopped`, 20);
      await untilCheckpoint(`${folder}/stopped`, child);
      child.kill(signal);
      const stopped = await finish(child);
      assert.deepEqual([stopped.code, stopped.stdout], [exitCode, ""]);
      const step = Number(stopped.stderr.match(/^stopped; run the same command to resume from step (\d+)$/)?.[1]);
      const newest = [...Deno.readDirSync(`${folder}/stopped`)].map(({ name }) => name).sort().at(-1);
      assert.equal(newest, `checkpoint-${String(step).padStart(9, "0")}.safetensors`);
      const rest = await finish(start(`${folder}/stopped`, 20));
      assert.deepEqual([rest.code, rest.stdout], [0, whole.stdout]);
    }));
}

Deno.test("a second SIGINT exits at once", async () => {
  const program = 'import { stopOnSignals } from "@unfold/training"; globalThis.stop = stopOnSignals(); ' +
    'stop.signal.addEventListener("abort", () => console.log("stopping")); ' +
    'setInterval(() => {}, 1000); console.log("ready");';
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGINT");
  await reader.read();
  reader.releaseLock();
  child.kill("SIGINT");
  assert.equal((await finish(child)).code, 130);
});
