import { checkCounts } from "@unfold/core/support";
import { MpiRanks } from "./_mpi_ranks.ts";
import { joinWorkers, startedAs, startWorkers } from "./_shared_ranks.ts";
import { type Communicator, single } from "./communicator.ts";
import { findLauncher } from "./launcher.ts";

/** Timers count milliseconds in 31 bits. */
const MOST_SECONDS = 2_147_483;

/** Options for {@linkcode connect}. */
export interface ConnectOptions {
  /**
   * How many ranks to run as threads of this process: itself and Workers, which run its main module from the start, with the
   * same arguments, and become the other ranks where they call `connect()`.
   *
   * @default {none: ranks are what a launcher has started}
   */
  workers?: number;
  /**
   * The absolute path of the library of MPI.
   *
   * @default {that of the launcher, in the usual places}
   */
  library?: string;
  /**
   * Seconds that other ranks are waited for, at the start and later.
   *
   * @default {1800}
   */
  timeout?: number;
}

/**
 * Connects to the other ranks of this program: those that a launcher of MPI has started (`mpiexec`, `srun`), or Workers that
 * it starts itself; without either, this is the only one. Each rank must `close()` as the last thing that it does.
 *
 * Ranks of MPI need `--allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS` and `--allow-ffi` for the library's path.
 * MPICH and its kin (`libmpi.so.12`) and Open MPI (`libmpi.so.40`) are known. A rank that fails, or that others wait for in
 * vain, ends its process with an exit code other than 0, so that the launcher ends the others.
 *
 * @throws {RangeError} If `workers` is no integer of 1 or more, or `timeout` not above 0 and at most 2,147,483.
 * @throws {Error} If there is no library or it must not be loaded, the environment must not be read, or Workers do not connect.
 *
 * @example
 * ```ts ignore
 * import { connect } from "@unfold/distributed";
 *
 * const communicator = await connect();
 * if (communicator.rank === 0) console.log(`${communicator.size} ranks`);
 * await communicator.close();
 * ```
 */
export async function connect(options: ConnectOptions = {}): Promise<Communicator> {
  const { workers, library, timeout = 1800 } = options;
  if (workers !== undefined) checkCounts("connect", { workers });
  if (!(timeout > 0 && timeout <= MOST_SECONDS)) {
    throw new RangeError(`Cannot connect: timeout must be above 0 and at most ${MOST_SECONDS} seconds, got ${timeout}`);
  }
  const started = startedAs();
  if (started !== undefined) return await joinWorkers({ ...started, timeout });
  if (workers !== undefined && workers > 1) return await startWorkers(Deno.mainModule, { size: workers, timeout });
  const launcher = workers === undefined ? findLauncher() : undefined;
  return launcher === undefined ? single() : await MpiRanks.connect(launcher, { library, timeout });
}
