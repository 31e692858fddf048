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

/** Runs a test program under a launcher. */
function launch(
  launcher: MpiLauncher,
  ranks: number,
  program: string,
  args: readonly string[],
  options: { folder?: string; library?: string } = {},
): Promise<Outcome> {
  return finish(start(launcher, ranks, rankArguments(program, args, { library: launcher.library, ...options })));
}

/** The losses of a run's steps and the checksums of its ranks. */
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
  /** Runs two ranks; the last one misbehaves. */
  const trap = (what: string, options: { library?: string } = {}) =>
    launch(launcher, 2, "traps.ts", [what, options.library ?? library], options);

  test("ranks exchange arrays of all types and sizes", async () => {
    const { lines, code, stderr } = await launch(launcher, 3, "exchange.ts", []);
    assert.equal(code, 0, stderr);
    for (const { rank, size, seen } of lines) {
      assert.deepEqual([size, ...seen], [3, 3, 300, 2, 0, 1, 6, rank, 2, 2, 2, rank]);
    }
    assert.equal(lines.length, 3);
  });

  test("1, 2 and 4 ranks have the same losses at every step, and all ranks the same weights bit for bit", async () => {
    const alone = resultOf(await launch(launcher, 1, "training_run.ts", []));
    assert.equal(alone.losses.length, 30);
    for (const ranks of [2, 4]) {
      const { losses, hashes } = resultOf(await launch(launcher, ranks, "training_run.ts", []));
      assert.deepEqual([hashes.length, new Set(hashes).size], [ranks, 1]);
      losses.forEach((loss, step) => assert.ok(Math.abs(loss - alone.losses[step]!) <= 1e-5, `step ${step}: ${loss}`));
      assert.equal(losses.length, 30);
    }
  });

  test("after a rank is killed the run resumes from its checkpoint, bit for bit", () =>
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
      assert.ok(again.losses.length < 60, "it did not resume from a checkpoint");
      assert.deepEqual(again.hashes, whole.hashes);
      assert.equal(again.finished, true);
    }));

  for (const who of ["one rank", "the launcher"]) {
    test(`SIGTERM to ${who}: the run writes a checkpoint and exits, and resumes bit for bit, or on fewer ranks`, () =>
      withFolder(async (folder) => {
        const options = (name: string, pause = 0) =>
          JSON.stringify({ library, folder: `${folder}/${name}`, epochs: 8, dropout: 0.2, pause });
        const whole = resultOf(await launch(launcher, 2, "training_run.ts", [options("whole")], { folder }));
        const run = rankArguments("training_run.ts", [options("stopped", 50)], { library, folder });
        const child = start(launcher, 2, run);
        const { pids, rest } = await untilStep(child, 13);
        // `timeout` forwards the signal to its command.
        Deno.kill(who === "one rank" ? pids[1]! : child.pid, "SIGTERM");
        const { code, lines } = await rest;
        // A launcher that receives the signal may exit with 0.
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

  test("a rank that exits without close() fails the run", async () => {
    const { code, stderr } = await trap("leaves without a word");
    assert.notEqual(code, 0);
    assert.match(stderr, /^error: Cannot exit: close\(\) must be called on every rank first$/m);
  });

  for (const [what, message] of [["throws", "thrown"], ["rejects", "rejected"], ["fails", "failed"]] as const) {
    test(`a rank that ${what} while ranks wait reports it and ends the run`, async () => {
      const { code, stderr } = await trap(what);
      // MPICH's launcher adds the number of the signal that ends the other rank, if that is still running.
      assert.notEqual(code, 0);
      assert.match(stderr, new RegExp(`^Error: ${message} on purpose`, "m"));
      assert.doesNotMatch(stderr, /signal|panic|Segmentation/i);
    });
  }

  test("a rank that exits before it connects ends the run", async () => {
    const { code, stderr } = await trap("dies early");
    assert.notEqual(code, 0);
    assert.match(stderr, /Cannot connect: all 2 ranks must connect within 2 s, got a timeout|exited|terminated/);
  });

  test("waiting for a rank that does not respond times out", async () => {
    const { code, stderr } = await trap("never comes");
    assert.notEqual(code, 0);
    assert.match(
      stderr,
      /^error: Cannot wait at a barrier: the other ranks must respond within 5 s, got a timeout on rank 0$/m,
    );
  });

  test("timers and signals work while a rank waits, and a second call is refused", async () => {
    const { code, stdout, stderr } = await trap("comes late");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^timers and 1 signal worked$/m);
    assert.match(stdout, /^Cannot wait at a barrier: calls must be made one at a time, got one during all-reduce$/m);
  });

  test("a library that does not finalize in time does not block the exit", async () => {
    const { stdout, stderr } = await trap("does not end");
    assert.match(stderr, /^rank 0: the MPI library did not finalize in time; exiting without it$/m);
    assert.match(stdout, /^closed 0$/m);
  });

  const other = LAUNCHERS.find((one) => one !== launcher)!;
  Deno.test({
    name: `${name}: the library of ${other.name}, which sees one rank only, is refused`,
    ignore: library === "" || other.library === "",
    async fn() {
      const { code, stderr } = await trap("any", { library: other.library });
      assert.notEqual(code, 0);
      assert.match(stderr, /must belong to the launcher, which set \w+ to 2, got \/usr\/lib\/\S+ with 1$/m);
    },
  });

  test("a library's bare name needs permission for all libraries, and the message suggests an absolute path", async () => {
    const bare = library.slice(library.lastIndexOf("/") + 1);
    const { code, stderr } = await launch(launcher, 2, "traps.ts", ["any", bare]);
    assert.notEqual(code, 0);
    assert.match(stderr, /Cannot connect: Requires ffi access .*; to allow one library alone, give its absolute path/);
  });

  test("without permission to look for a launcher, ranks refuse to run alone", async () => {
    const args = rankArguments("exchange.ts", []);
    const { code, stderr } = await finish(start(launcher, 2, args));
    assert.notEqual(code, 0);
    assert.match(stderr, /run again with --allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS/);
  });
}

const isRoot = new TextDecoder().decode(new Deno.Command("id", { args: ["-u"] }).outputSync().stdout).trim() === "0";

Deno.test({
  name: "Open MPI: two hosts train over TCP to equal weights (as root)",
  ignore: !isRoot || LAUNCHERS[1]!.library === "" || !isThere("/usr/sbin/ip"),
  async fn() {
    const child = new Deno.Command(UNMEASURED[0], {
      args: [...UNMEASURED.slice(1), "distributed/testdata/two_hosts.sh", Deno.execPath(), "2"],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { code, stdout, stderr, lines } = await finish(child);
    assert.equal(code, 0, stderr);
    const sent = Number(/^2 of 2 runs succeeded; (\d+) bytes/m.exec(stdout)?.[1]);
    assert.ok(sent > 100_000, stdout);
    assert.deepEqual(lines.map(({ size }) => size), [2, 2]);
    assert.equal(lines[0].hash, lines[1].hash);
  },
});

Deno.test("SIGTERM stops a run gracefully, SIGUSR1 does not: the JavaScript engine uses it", async () => {
  const endOf = async (signal: Deno.Signal) => {
    const program = 'import { stopOnSignals } from "@unfold/training"; const stop = stopOnSignals(); ' +
      'stop.signal.addEventListener("abort", () => Deno.exit(stop.exitCode)); setInterval(() => console.log("tick"), 50);';
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", program],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill(signal);
    // It either ends or keeps ticking.
    for (let ticks = 0; ticks < 10 && !(await reader.read()).done;) ticks++;
    reader.releaseLock();
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    return (await child.output()).signal;
  };
  assert.notEqual(await endOf("SIGUSR1"), null);
  assert.equal(await endOf("SIGTERM"), null);
});
