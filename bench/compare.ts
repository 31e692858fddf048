/**
 * Two commits side by side: runs the hot loops of the working tree and of another commit in turns, and prints how much longer or
 * shorter each takes, by the fastest of its runs.
 *
 *     deno task bench:compare HEAD~1
 *     deno task bench:compare main --filter LSTM
 *
 * @module
 */

import { table } from "../apps/shared/format.ts";

const ROUNDS = 3;

/** What `deno bench --json` prints of each benchmark. */
interface Bench {
  readonly origin: string;
  readonly group: string | null;
  readonly name: string;
  readonly results: readonly { readonly ok?: { readonly min: number } }[];
}

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`Cannot run ${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Runs the benchmarks in a folder: nanoseconds by name, of the fastest run. */
async function benchIn(folder: string, more: readonly string[]): Promise<Map<string, number>> {
  const args = ["bench", "--json", "--no-prompt", "--allow-read", "--allow-write", "--allow-ffi", ...more, "bench"];
  const { benches } = JSON.parse(await run(Deno.execPath(), args, folder)) as { benches: readonly Bench[] };
  return new Map(
    benches.flatMap(({ group, name, results }) => {
      const fastest = results[0]?.ok?.min;
      return fastest === undefined ? [] : [[`${group === null ? "" : `${group}: `}${name}`, fastest]];
    }),
  );
}

const [base, ...more] = Deno.args;
if (base === undefined) {
  console.error("error: name a commit to compare with: deno task bench:compare HEAD~1");
  Deno.exit(2);
}
const here = Deno.cwd();
const folder = await Deno.makeTempDir();
try {
  await run("git", ["worktree", "add", "--detach", folder, base], here);
  await run(Deno.execPath(), ["install", "--quiet"], folder);
  const fastest = [new Map<string, number>(), new Map<string, number>()] as const;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, where] of [folder, here].entries()) {
      for (const [name, nanoseconds] of await benchIn(where, more)) {
        fastest[i]!.set(name, Math.min(nanoseconds, fastest[i]!.get(name) ?? Infinity));
      }
    }
    console.error(`round ${round + 1}/${ROUNDS}`);
  }
  const [before, after] = fastest;
  const microseconds = (value: number) => (value / 1000).toLocaleString("en", { maximumSignificantDigits: 3 });
  const shared = [...after].filter(([name]) => before.has(name));
  if (shared.length === 0) {
    throw new Error(`Cannot compare with ${base}: there must be a benchmark that both have, got none`);
  }
  console.log(
    table(
      ["", `µs at ${base}`, "µs now", "ratio"],
      shared.map(([name, now]) => {
        const then = before.get(name)!;
        return [name, microseconds(then), microseconds(now), (now / then).toFixed(2)];
      }),
    ),
  );
  const only = [...after.keys()].filter((name) => !before.has(name)).length;
  if (only > 0) console.log(`\n${only} benchmarks are not at ${base}.`);
} finally {
  await run("git", ["worktree", "remove", "--force", folder], here).catch(() => {});
}
