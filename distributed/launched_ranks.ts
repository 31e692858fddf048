import { findLauncher, LAUNCHER_VARIABLES } from "./_launcher.ts";

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
