/**
 * Repeatedly kills a training run at a random system call and resumes it, then compares the final weights, bit for bit,
 * with those of a run that was never killed. Linux only; needs `strace`.
 *
 *     deno task test kill 200
 *
 * The run is `training/testdata/resumable_run.ts`, which uses everything that a checkpoint holds. Half of the kills hit
 * the calls that make a checkpoint durable (rename, fsync, mkdir, unlink), the other half any file or write call.
 *
 * @module
 */

import { Random } from "@unfold/core";

const PROGRAM = new URL("../training/testdata/resumable_run.ts", import.meta.url).pathname;
const EPOCHS = 20;

/** System calls to kill at, and the range of how many such calls a thread makes before that. */
const TARGETS: readonly { readonly calls: string; readonly from: number; readonly to: number }[] = [
  { calls: "rename,fsync,fdatasync,mkdir,unlink,unlinkat", from: 1, to: 25 },
  { calls: "write,pwrite64,openat,close,ftruncate", from: 50, to: 600 },
];

interface Outcome {
  readonly killed: boolean;
  /** The system call in progress when the run was killed. */
  readonly call: string;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(folder: string, injection: readonly string[], log: string): Promise<Outcome> {
  const deno = [Deno.execPath(), "run", "--no-prompt", "--quiet", "--allow-read", `--allow-write=${folder}`];
  const [command, ...args] = [...injection, ...deno, PROGRAM, folder, String(EPOCHS)];
  const { signal, code, stdout, stderr } = await new Deno.Command(command!, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  const trace = injection.length === 0 ? "" : await Deno.readTextFile(log).catch(() => "");
  const call = [...trace.matchAll(/^\d+ (?:<\.\.\. )?(\w+)[^\n]* = \?$/gm)].at(-1)?.[1] ?? "between calls";
  return { killed: signal === "SIGKILL" || code === 137, call, stdout: text(stdout), stderr: text(stderr) };
}

/** Kills runs `count` times and prints where. Returns how many runs ended with different weights or an error. */
async function kill(count: number, seed: number): Promise<number> {
  const folder = await Deno.makeTempDir();
  const log = `${folder}/strace.log`;
  const random = new Random(seed);
  const hits = new Map<string, number>();
  let [kills, finished, wrong] = [0, 0, 0];
  try {
    const whole = await run(`${folder}/whole`, [], log);
    if (whole.stdout === "") throw new Error(`Cannot run ${PROGRAM}: ${whole.stderr}`);
    for (let name = 0; kills < count; name++) {
      for (let over = false; !over;) {
        const { calls, from, to } = TARGETS[random.integer(TARGETS.length)]!;
        const when = from + random.integer(to - from);
        const injection = kills < count
          ? ["strace", "-f", "-qq", "-o", log, "-e", `trace=${calls}`, "-e", `inject=${calls}:signal=KILL:when=${when}`]
          : [];
        const { killed, call, stdout, stderr } = await run(`${folder}/${name}`, injection, log);
        if (killed) {
          kills++;
          hits.set(call, (hits.get(call) ?? 0) + 1);
          continue;
        }
        over = true;
        finished++;
        if (stdout === whole.stdout) continue;
        wrong++;
        console.error(`after ${kills} kills: got "${stdout}", expected "${whole.stdout}"\n${stderr}`);
      }
      await Deno.remove(`${folder}/${name}`, { recursive: true });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const places = [...hits].sort(([, a], [, b]) => b - a).map(([call, times]) => `${call} ${times}`).join(", ");
  console.log(`${kills} kills at: ${places}`);
  console.log(`${finished} runs finished, ${wrong} of them with different weights or an error`);
  return wrong;
}

if (import.meta.main) {
  const count = Number(Deno.args[0] ?? 200);
  if (!Number.isInteger(count) || count < 1) {
    console.error(
      `Cannot kill: COUNT must be a positive integer, got "${Deno.args[0]}"; for example: deno task test kill 200`,
    );
    Deno.exit(2);
  }
  Deno.exit(await kill(count, 1) === 0 ? 0 : 1);
}
