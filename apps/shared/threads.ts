import { Option } from "@commander-js/extra-typings";
import { useThreads } from "@unfold/core";
import { integer } from "./cli.ts";
import { say } from "./printable.ts";

/** `--threads`: the number of threads that compute. */
export const threadsOption = new Option(
  "--threads <n>",
  "threads that share the computation in one memory; every number gives the same result",
).argParser(integer(1, 256)).default(undefined, "one for each core");

/** Applies `--threads`. Says how many threads compute if the option was given, or if not all could start. */
export async function startThreads(wanted: number | undefined, { quiet = false } = {}): Promise<void> {
  const count = await useThreads(wanted);
  if (quiet || (wanted ?? 1) === 1) return;
  say(count === wanted ? `computing on ${count} threads` : `--threads ${wanted}: only ${count} could start`);
}
