import { MpiRanks } from "./_mpi_ranks.ts";
import { type Communicator, single } from "./communicator.ts";
import { findLauncher } from "./launcher.ts";

/** The longest timeout: timers count milliseconds in 31 bits. */
const MOST_SECONDS = 2_147_483;

/** Options for {@linkcode connect}. */
export interface ConnectOptions {
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
 * Connects to the other ranks of this program: those that an MPI launcher started (`mpiexec`, `srun`). Without a
 * launcher, this is the only rank. Each rank must call `close()` last.
 *
 * MPI ranks need `--allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS` and `--allow-ffi` for the library's
 * path. Open MPI (`libmpi.so.40`) and the MPICH family (`libmpi.so.12`) are supported. A rank that fails, or that times
 * out waiting, exits with a non-zero code, so that the launcher ends the others.
 *
 * @throws {RangeError} If `timeout` is not above 0 and at most 2,147,483.
 * @throws {Error} If the library is missing, a permission is missing, or the runtime is not Deno and there is more than one
 * rank.
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
  const { library, timeout = 1800 } = options;
  if (!(timeout > 0 && timeout <= MOST_SECONDS)) {
    throw new RangeError(`Cannot connect: timeout must be above 0 and at most ${MOST_SECONDS} seconds, got ${timeout}`);
  }
  const launcher = findLauncher();
  return launcher === undefined ? single() : await MpiRanks.connect(launcher, { library, timeout });
}
