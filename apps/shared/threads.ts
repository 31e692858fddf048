import { Option } from "@commander-js/extra-typings";
import { useThreads } from "@unfold/core";
import { integer } from "./cli.ts";
import { say } from "./printable.ts";

/** `--threads`: the number of threads that compute. */
export const threadsOption = new Option(
  "--threads <n>",
  "threads that share the computation in one memory; every number gives the same result",
).argParser(integer(1, 256)).default(1);

/** Applies `--threads`, and says how many threads compute if that is more than one or less than wanted. */
export async function startThreads(wanted: number, { quiet = false } = {}): Promise<void> {
  const count = await useThreads(wanted);
  if (quiet || wanted === 1) return;
  say(count === wanted ? `computing on ${count} threads` : `--threads ${wanted}: only ${count} could start`);
}
