/** The variables that launchers set to the number of ranks: Open MPI, the MPICH family (and Slurm's pmi2), Slurm. */
const LAUNCHER_VARIABLES = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"] as const;

/** The launcher that started the program as several ranks. */
export interface Launcher {
  /** The number of ranks, according to the launcher. */
  readonly size: number;
  /** The variable that holds it. */
  readonly variable: typeof LAUNCHER_VARIABLES[number];
}

/**
 * Finds the launcher that started this program as several ranks; undefined if there is none.
 *
 * @throws {Error} If the environment cannot be read without permission.
 */
export function findLauncher(): Launcher | undefined {
  for (const variable of LAUNCHER_VARIABLES) {
    const size = Number(readVariable(variable) ?? 1);
    if (size > 1) return { size, variable };
  }
  return undefined;
}

/**
 * The number of ranks that an MPI launcher (`mpiexec`, `srun`) started, without connecting to them. A program that should run
 * alone can check it, so as not to do the same work several times.
 *
 * @returns 1 without a launcher, and without permission to read the environment. It does not prompt for the permission.
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
  const isAllowed = typeof Deno === "undefined" ||
    LAUNCHER_VARIABLES.every((variable) => Deno.permissions.querySync({ name: "env", variable }).state === "granted");
  return isAllowed ? findLauncher()?.size ?? 1 : 1;
}

function readVariable(name: string): string | undefined {
  try {
    if (typeof Deno !== "undefined") return Deno.env.get(name);
    // Browsers have no environment.
    return (globalThis as { process?: { env: Readonly<Record<string, string | undefined>> } }).process?.env[name];
  } catch (error) {
    throw new Error(
      `Cannot connect: the number of ranks must be read from the environment, got no permission; ` +
        `run again with --allow-env=${LAUNCHER_VARIABLES}`,
      { cause: error },
    );
  }
}
