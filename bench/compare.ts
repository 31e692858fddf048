/**
 * Compares the working tree with another commit: alternates between their hot loops and prints the ratio of each loop's
 * fastest runs.
 *
 *     deno task bench compare HEAD~1
 *     deno task bench compare main --filter LSTM
 *
 * @module
 */

import { table } from "../apps/shared/format.ts";
import { outputOf, threeDigits } from "./_measure.ts";

const ROUNDS = 3;

/** One benchmark in the output of `deno bench --json`. */
interface Bench {
  readonly origin: string;
  readonly group: string | null;
  readonly name: string;
  readonly results: readonly { readonly ok?: { readonly min: number } }[];
}

/** Runs the benchmarks in a folder; returns nanoseconds of the fastest run by name. */
function benchIn(folder: string, more: readonly string[]): Map<string, number> {
  const args = ["bench", "--json", "--no-prompt", "--allow-read", "--allow-write", "--allow-ffi", ...more, "bench"];
  const { benches } = JSON.parse(outputOf(Deno.execPath(), args, { cwd: folder })) as { benches: readonly Bench[] };
  return new Map(
    benches.flatMap(({ group, name, results }) => {
      const fastest = results[0]?.ok?.min;
      return fastest === undefined ? [] : [[`${group === null ? "" : `${group}: `}${name}`, fastest]];
    }),
  );
}

const [base, ...more] = Deno.args;
if (base === undefined) {
  console.error("error: Cannot compare: a commit must be given, got none; for example: deno task bench compare HEAD~1");
  Deno.exit(2);
}
const here = Deno.cwd();
const folder = await Deno.makeTempDir();
try {
  outputOf("git", ["worktree", "add", "--detach", folder, base]);
  outputOf(Deno.execPath(), ["install", "--quiet"], { cwd: folder });
  const fastest = [new Map<string, number>(), new Map<string, number>()] as const;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, where] of [folder, here].entries()) {
      for (const [name, nanoseconds] of benchIn(where, more)) {
        fastest[i]!.set(name, Math.min(nanoseconds, fastest[i]!.get(name) ?? Infinity));
      }
    }
    console.error(`round ${round + 1}/${ROUNDS}`);
  }
  const [before, after] = fastest;
  const microseconds = (nanoseconds: number) => threeDigits(nanoseconds / 1000);
  const shared = [...after].filter(([name]) => before.has(name));
  if (shared.length === 0) {
    throw new Error(`Cannot compare with ${base}: it must have a benchmark in common with the working tree, got none`);
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
  if (only > 0) console.log(`\n${only} benchmarks do not exist at ${base}.`);
} finally {
  new Deno.Command("git", { args: ["worktree", "remove", "--force", folder], stderr: "null" }).outputSync();
}
