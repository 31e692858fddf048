/**
 * All-reduces of two ranks beside a C program on the same library, in turns. Needs Debian's `gcc`, `libmpich-dev` and
 * `libopenmpi-dev`; what is not there is left out.
 *
 *     deno task bench:allreduce
 *
 * @module
 */

import { formatNumber, table } from "../apps/shared/format.ts";
import { LAUNCHERS, type MpiLauncher } from "../distributed/testdata/launchers.ts";
import { median } from "./_measure.ts";

/** Launches of each program. */
const TURNS = 3;
const ROUNDS = 21;
/** Numbers of 32 bits, and calls in a round. */
const SIZES = [[1024, 500], [8192, 200], [65_536, 50], [262_144, 20], [1_048_576, 10], [2_621_440, 4], [
  10_485_760,
  2,
]] as const;

function run(command: string, args: readonly string[]): string {
  const { success, stdout, stderr } = new Deno.Command(command, { args: [...args] }).outputSync();
  if (!success) throw new Error(`Cannot measure: ${command} must succeed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Seconds of an all-reduce of each size, by C and by ours. */
function measure({ name, command: [launcher, ...options], library }: MpiLauncher, folder: string): number[][][] {
  const program = `${folder}/${name.replace(" ", "-")}`;
  run(launcher!.replace("mpiexec", "mpicc"), ["-O2", "-o", program, "bench/allreduce.c"]);
  const args = [ROUNDS, ...SIZES.flat()].map(String);
  const ours = [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS",
    `--allow-ffi=${library}`,
    "bench/_allreduce_rank.ts",
  ];
  const turns = Array.from(
    { length: TURNS },
    () =>
      [[program], ours].map((what) =>
        run("timeout", ["60", launcher!, ...options, "-n", "2", ...what, ...args]).trim().split("\n").map(Number)
      ),
  );
  return SIZES.map((_, size) => [0, 1].map((which) => turns.map((turn) => turn[which]![size]!)));
}

const folder = await Deno.makeTempDir();
try {
  for (const launcher of LAUNCHERS.filter(({ library }) => library !== "")) {
    const rows = measure(launcher, folder).map(([c, ours], i) => [
      `${formatNumber(4 * SIZES[i]![0] / 1024)} KiB`,
      ...[c!, ours!].map((times) => formatNumber(Number((1e6 * median(times)).toPrecision(3)))),
      (median(ours!) / median(c!)).toFixed(2),
    ]);
    console.log(`${launcher.name}\n\n${table(["size", "C, µs", "ours, µs", "ratio"], rows)}\n`);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
