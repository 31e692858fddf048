/**
 * Repeatedly kills a training run at a random system call on its own files and resumes it, then compares the final weights,
 * bit for bit, with those of a run that was never killed. Linux only; needs `strace`.
 *
 *     deno task test kill 200
 *
 * The run is `training/testdata/resumable_run.ts`, which uses everything that a checkpoint holds. A first run shows which calls
 * it makes on the files in its folder. Each kill then draws one of these calls and how many of them one thread makes before.
 *
 * @module
 */

import { Random } from "@unfold/core";

const PROGRAM = new URL("../training/testdata/resumable_run.ts", import.meta.url).pathname;
const EPOCHS = 20;

/** The calls that change files, or that decide what a resumed run finds. */
const CALLS = [
  ...["openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "close", "flock"],
  ...["rename", "renameat2", "mkdir", "mkdirat", "unlink", "unlinkat"],
];

/** What a trace by `strace -f -y` shows of a run. */
interface Traced {
  /** The most calls on files in the folder that one thread makes, by name. */
  readonly calls: ReadonlyMap<string, number>;
  /** The paths of these files. */
  readonly paths: readonly string[];
}

/** The lines of a trace: the thread, which strace pads to five characters, and what it did. */
function* linesOf(trace: string): Generator<readonly [thread: string, text: string]> {
  for (const [, thread, text] of trace.matchAll(/^(\d+) +(.*)$/gm)) yield [thread!, text!];
}

/** The calls that a run makes on files in a folder. */
export function callsIn(trace: string, folder: string): Traced {
  const counts = new Map<string, number>();
  const calls = new Map<string, number>();
  const paths = new Set<string>();
  for (const [thread, text] of linesOf(trace)) {
    const call = /^(\w+)\(/.exec(text)?.[1];
    if (call === undefined || !text.includes(folder)) continue;
    const count = (counts.get(`${thread} ${call}`) ?? 0) + 1;
    counts.set(`${thread} ${call}`, count);
    calls.set(call, Math.max(count, calls.get(call) ?? 0));
    for (const [quoted] of text.matchAll(/(?<=["<])\/[^">]+/g)) if (quoted.startsWith(folder)) paths.add(quoted);
  }
  return { calls, paths: [...paths] };
}

/** The call of a given name that never returned, with the kind of its file; undefined if the trace shows none. */
export function callAtKill(trace: string, call: string): string | undefined {
  const begun = new Map<string, string>();
  for (const [thread, text] of linesOf(trace)) {
    if (text.startsWith(`<... ${call} resumed>`)) {
      if (text.endsWith("= ?")) break;
      begun.delete(thread);
    } else if (text.startsWith(`${call}(`) && /(?:= \?|<unfinished \.\.\.>)$/.test(text)) {
      begun.set(thread, text);
      if (text.endsWith("= ?")) break;
    }
  }
  const last = [...begun.values()].at(-1);
  if (last === undefined) return undefined;
  const file = /\/\.checkpoint-\d+\.safetensors\.tmp/.test(last)
    ? "an unfinished checkpoint"
    : /\/checkpoint-\d+\.safetensors/.test(last)
    ? "a checkpoint"
    : /\/\.lock\b/.test(last)
    ? "the lock"
    : "the folder";
  return `${call} of ${file}`;
}

interface Outcome {
  readonly killed: boolean;
  /** What strace logged. */
  readonly trace: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program in a folder, under strace with some options. */
async function run(folder: string, options: readonly string[]): Promise<Outcome> {
  const log = `${folder}.log`;
  const strace = ["strace", "-f", "-qq", "-y", "-o", log, "-e", `trace=${CALLS.join(",")}`, ...options];
  const deno = [Deno.execPath(), "run", "--no-prompt", "--quiet", "--allow-read", `--allow-write=${folder}`];
  const [command, ...args] = [...strace, ...deno, PROGRAM, folder, String(EPOCHS)];
  const { signal, code, stdout, stderr } = await new Deno.Command(command!, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return {
    killed: signal === "SIGKILL" || code === 137,
    trace: await Deno.readTextFile(log),
    stdout: text(stdout),
    stderr: text(stderr),
  };
}

/** Kills runs `count` times and prints where. Returns how many runs ended with different weights or an error. */
async function kill(count: number, seed: number): Promise<number> {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/run`;
  const random = new Random(seed);
  const hits = new Map<string, number>();
  let [kills, finished, wrong] = [0, 0, 0];
  try {
    const whole = await run(folder, []);
    if (whole.stdout === "") throw new Error(`Cannot run ${PROGRAM}: ${whole.stderr}`);
    await Deno.remove(folder, { recursive: true });
    const { calls, paths } = callsIn(whole.trace, folder);
    const names = [...calls.keys()];
    // With paths, strace counts the calls on these files alone.
    const own = paths.flatMap((path) => ["-P", path]);
    while (kills < count) {
      for (let over = false; !over;) {
        const call = names[random.integer(names.length)]!;
        const when = 1 + random.integer(calls.get(call)!);
        const options = kills < count ? [...own, "-e", `inject=${call}:signal=KILL:when=${when}`] : own;
        const { killed, trace, stdout, stderr } = await run(folder, options);
        if (killed) {
          const place = callAtKill(trace, call);
          if (place === undefined) throw new Error(`Cannot tell where a run was killed: the trace must show ${call}`);
          kills++;
          hits.set(place, (hits.get(place) ?? 0) + 1);
          continue;
        }
        over = true;
        finished++;
        if (stdout === whole.stdout) continue;
        wrong++;
        console.error(`after ${kills} kills: got "${stdout}", expected "${whole.stdout}"\n${stderr}`);
      }
      await Deno.remove(folder, { recursive: true });
    }
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
  const places = [...hits].sort(([, a], [, b]) => b - a).map(([place, times]) => `\n  ${place}: ${times}`).join("");
  console.log(`${kills} kills${places}`);
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
