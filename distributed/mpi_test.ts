import assert from "node:assert/strict";
import { withFolder } from "../tools/testing.ts";
import {
  finish,
  isThere,
  LAUNCHERS,
  type MpiLauncher,
  type Outcome,
  rankArguments,
  start,
  UNMEASURED,
  untilStep,
} from "./testdata/launchers.ts";

/** Runs one of the programs under a launcher. */
function launch(
  launcher: MpiLauncher,
  ranks: number,
  program: string,
  args: readonly string[],
  options: { folder?: string; library?: string } = {},
): Promise<Outcome> {
  return finish(start(launcher, ranks, rankArguments(program, args, { library: launcher.library, ...options })));
}

/** The losses of a run's steps, and the checksums of its ranks. */
function resultOf({ lines, code, stderr }: Outcome) {
  assert.equal(code, 0, stderr);
  const ends = lines.filter(({ hash }) => hash !== undefined);
  return {
    losses: lines.filter(({ step }) => step !== undefined).map(({ loss }) => loss as number),
    hashes: ends.map(({ hash }) => hash as string),
    finished: ends.every(({ finished }) => finished),
  };
}

for (const launcher of LAUNCHERS) {
  const { name, library } = launcher;
  const test = (what: string, fn: () => Promise<void>) =>
    Deno.test({ name: `${name}: ${what}`, ignore: library === "", fn });
  /** A run in which the last rank does something unwise. */
  const fall = (what: string, options: { library?: string } = {}) =>
    launch(launcher, 2, "traps.ts", [what, options.library ?? library], options);

  test("numbers of all kinds and sizes are exchanged", async () => {
    const { lines, code, stderr } = await launch(launcher, 3, "exchange.ts", []);
    assert.equal(code, 0, stderr);
    for (const { rank, size, seen } of lines) {
      assert.deepEqual([size, ...seen], [3, 3, 300, 2, 0, 1, 6, rank, 2, 2, 2, rank]);
    }
    assert.equal(lines.length, 3);
  });

  test("1, 2 and 4 ranks have the same losses at every step, and equal weights to the bit", async () => {
    const alone = resultOf(await launch(launcher, 1, "training_run.ts", []));
    assert.equal(alone.losses.length, 30);
    for (const ranks of [2, 4]) {
      const { losses, hashes } = resultOf(await launch(launcher, ranks, "training_run.ts", []));
      assert.deepEqual([hashes.length, new Set(hashes).size], [ranks, 1]);
      losses.forEach((loss, step) => assert.ok(Math.abs(loss - alone.losses[step]!) <= 1e-5, `step ${step}: ${loss}`));
      assert.equal(losses.length, 30);
    }
  });

  test("after a rank was killed the run goes on from its checkpoint, to the bit", () =>
    withFolder(async (folder) => {
      const options = (name: string, pause: number) =>
        JSON.stringify({ library, folder: `${folder}/${name}`, epochs: 6, dropout: 0.2, pause });
      const whole = resultOf(await launch(launcher, 2, "training_run.ts", [options("whole", 0)], { folder }));
      const child = start(
        launcher,
        2,
        rankArguments("training_run.ts", [options("killed", 30)], { library, folder }),
      );
      const { pids, rest } = await untilStep(child, 23);
      Deno.kill(pids[1]!, "SIGKILL");
      assert.notEqual((await rest).code, 0);
      const again = resultOf(await launch(launcher, 2, "training_run.ts", [options("killed", 0)], { folder }));
      assert.ok(again.losses.length < 60, "it did not go on from a checkpoint");
      assert.deepEqual(again.hashes, whole.hashes);
      assert.equal(again.finished, true);
    }));

  for (const who of ["one rank", "the launcher"]) {
    test(`SIGTERM to ${who}: all ranks write a checkpoint and leave, and go on to the bit, or as fewer`, () =>
      withFolder(async (folder) => {
        const options = (name: string, pause = 0) =>
          JSON.stringify({ library, folder: `${folder}/${name}`, epochs: 8, dropout: 0.2, pause });
        const whole = resultOf(await launch(launcher, 2, "training_run.ts", [options("whole")], { folder }));
        const run = rankArguments("training_run.ts", [options("stopped", 50)], { library, folder });
        const child = start(launcher, 2, run);
        const { pids, rest } = await untilStep(child, 13);
        // `timeout` hands the signal on to what it runs.
        Deno.kill(who === "one rank" ? pids[1]! : child.pid, "SIGTERM");
        const { code, lines } = await rest;
        // A launcher that was told to stop may call that a success.
        if (who === "one rank") assert.notEqual(code, 0);
        const { steps } = lines.findLast(({ hash }) => hash !== undefined);
        const newest = [...Deno.readDirSync(`${folder}/stopped`)].map(({ name }) => name).sort().at(-1);
        assert.equal(newest, `checkpoint-${String(steps).padStart(9, "0")}.safetensors`);
        await Deno.mkdir(`${folder}/fewer`);
        await Deno.copyFile(`${folder}/stopped/${newest}`, `${folder}/fewer/${newest}`);
        const again = resultOf(await launch(launcher, 2, "training_run.ts", [options("stopped")], { folder }));
        assert.deepEqual([again.losses.length, again.hashes], [80 - steps, whole.hashes]);
        const fewer = resultOf(await launch(launcher, 1, "training_run.ts", [options("fewer")], { folder }));
        assert.deepEqual([fewer.losses.length, fewer.finished], [80 - steps, true]);
      }));
  }

  test("a rank that leaves without a word does not pass for one that is done", async () => {
    const { code, stderr } = await fall("leaves without a word");
    assert.notEqual(code, 0);
    assert.match(stderr, /^error: Cannot end here: close\(\) must be called on every rank, and was not$/m);
  });

  for (const [what, message] of [["throws", "thrown"], ["rejects", "rejected"], ["fails", "failed"]] as const) {
    test(`a rank that ${what}, while others wait or it waits itself, says so and ends the run`, async () => {
      const { code, stderr } = await fall(what);
      // MPICH's launcher adds the signal that it ends the other with, where that is still there.
      assert.notEqual(code, 0);
      assert.match(stderr, new RegExp(`^Error: ${message} on purpose`, "m"));
      assert.doesNotMatch(stderr, /signal|panic|Segmentation/i);
    });
  }

  test("a rank that dies before it connects is waited for only so long", async () => {
    const { code, stderr } = await fall("dies early");
    assert.notEqual(code, 0);
    assert.match(stderr, /Cannot connect: all 2 ranks must connect within 2 s, and did not|exited|terminated/);
  });

  test("a rank that never comes is waited for only so long", async () => {
    const { code, stderr } = await fall("never comes");
    assert.notEqual(code, 0);
    assert.match(stderr, /^error: Cannot meet: the other ranks must come within 2 s, and did not \(rank 0\)$/m);
  });

  test("timers and signals go on while a rank is waited for; one thing is done at a time", async () => {
    const { code, stdout, stderr } = await fall("comes late");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^timers and 1 signal came through$/m);
    assert.match(stdout, /^Cannot meet: one thing must be done at a time, and all-reduce is under way$/m);
  });

  test("a library that does not come back from its end is left behind", async () => {
    const { stdout, stderr } = await fall("does not end");
    assert.match(stderr, /^rank 0: the library of MPI did not end in time and is left behind$/m);
    assert.match(stdout, /^closed 0$/m);
  });

  const other = LAUNCHERS.find((one) => one !== launcher)!;
  Deno.test({
    name: `${name}: the library of ${other.name}, for which each rank is alone, is refused`,
    ignore: library === "" || other.library === "",
    async fn() {
      const { code, stderr } = await fall("any", { library: other.library });
      assert.notEqual(code, 0);
      assert.match(stderr, /must be that of the launcher, whose \w+ is 2; \/usr\/lib\/\S+ knows of 1$/m);
    },
  });

  test("a library's bare name needs the permission for all, an absolute path its own alone", async () => {
    const bare = library.slice(library.lastIndexOf("/") + 1);
    const { code, stderr } = await launch(launcher, 2, "traps.ts", ["any", bare]);
    assert.notEqual(code, 0);
    assert.match(stderr, /Cannot connect: Requires ffi access .*; an absolute path can be allowed alone/);
  });

  test("without the permission to look for a launcher, nobody takes himself for the only rank", async () => {
    const args = rankArguments("exchange.ts", []);
    const { code, stderr } = await finish(start(launcher, 2, args));
    assert.notEqual(code, 0);
    assert.match(stderr, /run again with --allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS/);
  });
}

const isRoot = new TextDecoder().decode(new Deno.Command("id", { args: ["-u"] }).outputSync().stdout).trim() === "0";

Deno.test({
  name: "Open MPI: two hosts train over TCP, come to equal weights and end (as root)",
  ignore: !isRoot || LAUNCHERS[1]!.library === "" || !isThere("/usr/sbin/ip"),
  async fn() {
    const child = new Deno.Command(UNMEASURED[0], {
      args: [...UNMEASURED.slice(1), "distributed/testdata/two_hosts.sh", Deno.execPath(), "2"],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { code, stdout, stderr, lines } = await finish(child);
    assert.equal(code, 0, stderr);
    const sent = Number(/^2 of 2 ended well; (\d+) bytes/m.exec(stdout)?.[1]);
    assert.ok(sent > 100_000, stdout);
    assert.deepEqual(lines.map(({ size }) => size), [2, 2]);
    assert.equal(lines[0].hash, lines[1].hash);
  },
});

Deno.test("SIGUSR1 ends no run in order, it is the engine's own: a scheduler has to send SIGTERM", async () => {
  const endOf = async (signal: Deno.Signal) => {
    const program = 'import { stopOnSignals } from "@unfold/training"; const stop = stopOnSignals(); ' +
      'stop.signal.addEventListener("abort", () => Deno.exit(stop.exitCode)); setInterval(() => {}, 1000); console.log("ready");';
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", program],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    child.kill(signal);
    await Promise.race([child.status, new Promise((resolve) => setTimeout(resolve, 300))]);
    try {
      child.kill("SIGKILL");
    } catch {
      // It is over already.
    }
    return (await child.output()).signal;
  };
  assert.notEqual(await endOf("SIGUSR1"), null);
  assert.equal(await endOf("SIGTERM"), null);
});
