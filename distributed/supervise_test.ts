import assert from "node:assert/strict";
import { withFolder } from "../tools/testing.ts";
import { finish, LAUNCHERS, rankArguments, start, UNMEASURED } from "./testdata/launchers.ts";

const CLUSTER = Deno.realPathSync("examples/cluster");

/** Runs a command in bash with fake launchers that only print that they were called. */
async function pretend(command: string, cwd: string) {
  for (const launcher of ["mpiexec", "srun", "scontrol"]) {
    await Deno.writeTextFile(`${cwd}/${launcher}`, "#!/bin/sh\necho started\n", { mode: 0o755 });
  }
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", `PATH="$PWD:$PATH"\n${command}`],
    cwd,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const JOB = /^ *- >-\n([^]*?)\n *volumeMounts/m.exec(await Deno.readTextFile(`${CLUSTER}/mpijob.yaml`))![1]!;
for (
  const [name, command] of [
    ["supervise.sh", `bash ${CLUSTER}/supervise.sh 2 runs/text/checkpoints true`],
    ["train.sbatch", `bash ${CLUSTER}/train.sbatch`],
    // Folded, as in YAML.
    ["mpijob.yaml", JOB.replaceAll(/\s+/g, " ")],
  ] as const
) {
  Deno.test(`${name} does not start a finished run again`, () =>
    withFolder(async (folder) => {
      assert.deepEqual(await pretend(command, folder), { code: 0, stdout: "started\n", stderr: "" });
      await Deno.mkdir(`${folder}/runs/text`, { recursive: true });
      await Deno.writeTextFile(`${folder}/runs/text/metrics.json`, "{}");
      const { code, stdout } = await pretend(command, folder);
      assert.deepEqual([code, stdout], [0, ""]);
    }));
}

Deno.test("supervise.sh prints its usage for bad arguments", () =>
  withFolder(async (folder) => {
    for (const args of ["", "2", "2 checkpoints", "0 checkpoints true", "two checkpoints true"]) {
      const { code, stdout, stderr } = await pretend(`bash ${CLUSTER}/supervise.sh ${args}`, folder);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /^usage: .*supervise.sh RANKS CHECKPOINTS COMMAND..., where RANKS is a positive integer\n$/);
    }
  }));

for (const { name, command, library } of LAUNCHERS) {
  /** Starts the supervisor for ranks that keep their checkpoints in a folder. */
  const supervise = (ranks: number, folder: string, args: readonly string[]) =>
    new Deno.Command(UNMEASURED[0], {
      args: [
        ...UNMEASURED.slice(1),
        "timeout",
        "--kill-after=5",
        "300",
        "examples/cluster/supervise.sh",
        String(ranks),
        folder,
        Deno.execPath(),
        ...args,
      ],
      env: { MPIEXEC: command.join(" "), PAUSE: "0" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();

  Deno.test({
    name:
      `${name}: supervise.sh restarts a run whose ranks are killed until it is done, with the same weights bit for bit`,
    ignore: library === "",
    fn: () =>
      withFolder(async (folder) => {
        const run = (name: string) => {
          const options = { library, folder: `${folder}/${name}`, epochs: 6, dropout: 0.2, pause: 50 };
          return rankArguments("training_run.ts", [JSON.stringify(options)], { library, folder });
        };
        const whole = await finish(start({ name, command, library }, 2, run("whole")));
        const child = supervise(2, `${folder}/killed`, run("killed"));
        const [watched, kept] = child.stdout.tee();
        let [text, kills] = ["", 0];
        const watching = (async () => {
          for await (const chunk of watched.pipeThrough(new TextDecoderStream())) {
            text += chunk;
            const pid = [...text.matchAll(/"rank":1,"pid":(\d+)/g)].at(-1)?.[1];
            if (kills < 2 && text.includes(`{"step":${13 + 20 * kills},`) && pid !== undefined) {
              kills++;
              Deno.kill(Number(pid), "SIGKILL");
            }
          }
        })();
        const [{ code }, stderr] = await Promise.all([
          child.status,
          new Response(child.stderr).text(),
          new Response(kept).text(),
          watching,
        ]);
        assert.equal(code, 0, stderr);
        assert.equal(stderr.match(/restarting with 2 ranks/g)?.length, 2);
        const hashes = (output: string) => [...output.matchAll(/"hash":"(\w+)"/g)].map((match) => match[1]);
        assert.deepEqual(hashes(text), hashes(whole.stdout));
      }),
  });

  Deno.test({
    name: `${name}: supervise.sh retries a failing run with fewer ranks, then gives up`,
    ignore: library === "",
    fn: () =>
      withFolder(async (folder) => {
        const { code, stderr } = await finish(supervise(4, folder, ["eval", "Deno.exit(7)"]));
        assert.notEqual(code, 0);
        assert.deepEqual(stderr.match(/restarting with \d/g)?.map((line) => line.at(-1)), ["4", "2", "2", "1", "1"]);
      }),
  });
}
