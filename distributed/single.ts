import { bytesToBroadcast, checkReduction } from "./_check.ts";
import type { Communicator } from "./communicator.ts";

/**
 * The only rank there is: what a program is that nobody launched as several. It needs no permission.
 *
 * @example
 * ```ts
 * import { single } from "@unfold/distributed";
 * import assert from "node:assert/strict";
 *
 * const communicator = single();
 * const x = Float32Array.of(1, 2);
 * await communicator.allReduce(x, "mean");
 * assert.deepEqual([communicator.rank, communicator.size, ...x], [0, 1, 1, 2]);
 * ```
 */
export function single(): Communicator {
  return {
    rank: 0,
    size: 1,
    // deno-lint-ignore require-await -- what is wrong comes as a rejection, as it does with more ranks
    allReduce: async (x, reduction) => checkReduction(x, reduction),
    // deno-lint-ignore require-await
    broadcast: async (x, root = 0) => void bytesToBroadcast(x, root, { size: 1 }),
    barrier: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
