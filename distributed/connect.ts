import { checkCounts } from "@unfold/core/support";
import { MpiRanks } from "./_mpi_ranks.ts";
import { joinWorkers, startedAs, startWorkers } from "./_shared_ranks.ts";
import { type Communicator, single } from "./communicator.ts";
import { findLauncher } from "./launcher.ts";

/** The longest timeout: timers count milliseconds in 31 bits. */
const MOST_SECONDS = 2_147_483;

/** Options for {@linkcode connect}. */
export interface ConnectOptions {
  /**
   * The number of ranks to run as threads of this process: the main thread and Workers. The Workers run the main module from its
   * start, with the same arguments, and become the other ranks when they call `connect()`.
   *
   * @default {none: the ranks that a launcher started}
   */
  workers?: number;
  /**
   * The absolute path of the MPI library.
   *
   * @default {the launcher's library, in the usual places}
   */
  library?: string;
  /**
   * Seconds to wait for other ranks, at the start and at every exchange.
   *
   * @default {1800}
   */
  timeout?: number;
}

/**
 * Connects to the other ranks of this program: those started by an MPI launcher (`mpiexec`, `srun`), or Workers, which
 * it starts. Without either, this is the only rank. Each rank must call `close()` last.
 *
 * MPI ranks need `--allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS` and `--allow-ffi` for the library's
 * path. Open MPI (`libmpi.so.40`) and the MPICH family (`libmpi.so.12`) are supported. A rank that fails, or that times
 * out waiting, exits with a non-zero code, so that the launcher ends the others.
 *
 * @throws {RangeError} If `workers` is not a positive integer, or `timeout` is not above 0 and at most 2,147,483.
 * @throws {Error} If the library is missing, a permission is missing, Workers do not connect in time, or the runtime is not
 * Deno and there is more than one rank.
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
  if (workers !== undefined && workers > 1) {
    if (typeof Deno === "undefined") {
      throw new Error(
        "Cannot connect: the runtime must be Deno, whose Workers can run the main module, got another one",
      );
    }
    return await startWorkers(Deno.mainModule, { size: workers, timeout });
  }
  const launcher = workers === undefined ? findLauncher() : undefined;
  return launcher === undefined ? single() : await MpiRanks.connect(launcher, { library, timeout });
}
