/** Variables in which launchers tell each rank how many there are: Open MPI, MPICH's family (Slurm's pmi2 too), Slurm. */
const LAUNCHER_VARIABLES = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"] as const;

/** What launched the program as several ranks. */
export interface Launcher {
  /** Ranks by the launcher's own count. */
  readonly size: number;
  /** The variable that says so. */
  readonly variable: typeof LAUNCHER_VARIABLES[number];
}

/**
 * Who launched this program as several ranks; undefined where nobody did.
 *
 * @throws {Error} If the environment must not be looked at.
 */
export function findLauncher(): Launcher | undefined {
  for (const variable of LAUNCHER_VARIABLES) {
    const size = Number(readVariable(variable) ?? 1);
    if (size > 1) return { size, variable };
  }
  return undefined;
}

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    throw new Error(
      `Cannot connect: whether there are other ranks must be read from the environment; run again with --allow-env=${LAUNCHER_VARIABLES}`,
      { cause: error },
    );
  }
}

/**
 * How many ranks of this program a launcher of MPI has started (`mpiexec`, `srun`), without connecting to them: for a program
 * that is meant to run alone, and would otherwise do its work so many times.
 *
 * @returns 1 where nobody launched it, and where the environment must not be looked at, for which it does not ask.
 *
 * @example
 * ```ts
 * import { launchedRanks } from "@unfold/distributed";
 * import assert from "node:assert/strict";
 *
 * assert.equal(launchedRanks(), 1);
 * ```
 */
export function launchedRanks(): number {
  const isAllowed = LAUNCHER_VARIABLES.every((variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted"
  );
  return isAllowed ? findLauncher()?.size ?? 1 : 1;
}
