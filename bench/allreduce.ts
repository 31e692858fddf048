/**
 * Times all-reduces of two ranks against a C program on the same library, in alternating launches. Needs Debian's
 * `gcc`, `libmpich-dev` and
 * `libopenmpi-dev`; MPI libraries that are not installed are skipped.
 *
 *     deno task bench allreduce
 *
 * @module
 */

import { connect } from "@unfold/distributed";
import { formatNumber, table } from "../apps/shared/format.ts";
import { LAUNCHERS, type MpiLauncher } from "../distributed/testdata/launchers.ts";
import { median, outputOf, threeDigits } from "./_measure.ts";

/** The number of launches of each program. */
const TURNS = 3;
const ROUNDS = 21;
/** Number of 32-bit floats, and calls in a round. */
const SIZES = [
  [1024, 500],
  [8192, 200],
  [65_536, 50],
  [262_144, 20],
  [1_048_576, 10],
  [2_621_440, 4],
  [10_485_760, 2],
] as const;

/** One rank: measures as allreduce.c does, and prints the median seconds of each size. */
async function runRank(): Promise<void> {
  const communicator = await connect({ timeout: 60 });
  for (const [count, calls] of SIZES) {
    const x = new Float32Array(count);
    const times: number[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      await communicator.barrier();
      const start = performance.now();
      for (let call = 0; call < calls; call++) await communicator.allReduce(x, "sum");
      if (round >= 0) times.push((performance.now() - start) / 1000 / calls);
    }
    if (communicator.rank === 0) console.log(median(times).toFixed(9));
  }
  await communicator.close();
}

/** Seconds of an all-reduce of each size, by C and by Unfold. */
function measure({ name, command: [launcher, ...options], library }: MpiLauncher, folder: string): number[][][] {
  const program = `${folder}/${name.replace(" ", "-")}`;
  outputOf(launcher!.replace("mpiexec", "mpicc"), ["-O2", "-o", program, "bench/allreduce.c"]);
  const c = [program, ...[ROUNDS, ...SIZES.flat()].map(String)];
  const ours = [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS",
    `--allow-ffi=${library}`,
    "bench/allreduce.ts",
    "rank",
  ];
  const turns = Array.from(
    { length: TURNS },
    () =>
      [c, ours].map((program) =>
        outputOf("timeout", ["60", launcher!, ...options, "-n", "2", ...program]).split("\n").map(Number)
      ),
  );
  return SIZES.map((_, size) => [0, 1].map((which) => turns.map((turn) => turn[which]![size]!)));
}

/** Compares the two programs under each installed MPI library. */
async function compare(): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const launcher of LAUNCHERS.filter(({ library }) => library !== "")) {
      const rows = measure(launcher, folder).map(([c, ours], i) => [
        `${formatNumber(4 * SIZES[i]![0] / 1024)} KiB`,
        ...[c!, ours!].map((times) => threeDigits(1e6 * median(times))),
        (median(ours!) / median(c!)).toFixed(2),
      ]);
      console.log(`${launcher.name}\n\n${table(["size", "C, µs", "Unfold, µs", "ratio"], rows)}\n`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

await (Deno.args[0] === "rank" ? runRank() : compare());
