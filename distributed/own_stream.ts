import type { Random } from "@unfold/core";
import type { Communicator } from "./communicator.ts";

/**
 * Lets a `Random` that is equal on all ranks draw other numbers on each from here on: for dropout, whose masks should differ.
 * Rank 0 goes on as if nothing had happened, rank r with the r-th stream that is split off. What is drawn to shuffle batches
 * must stay equal.
 *
 * @param random What is drawn from.
 * @param communicator The ranks.
 *
 * @example
 * ```ts
 * import { Random } from "@unfold/core";
 * import { ownStream, single } from "@unfold/distributed";
 * import assert from "node:assert/strict";
 *
 * const random = new Random(1);
 * ownStream(random, single());
 * assert.equal(random.uniform(), new Random(1).uniform());
 * ```
 */
export function ownStream(random: Random, { rank }: Pick<Communicator, "rank">): void {
  if (rank === 0) return;
  const streams = Array.from({ length: rank }, () => random.split());
  random.state = streams.at(-1)!.state;
}
