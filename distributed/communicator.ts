import type { Random } from "@unfold/core";

const REDUCTIONS: readonly Reduction[] = ["sum", "mean", "max"];

/** Throws a `TypeError` unless numbers can be put together in this way. */
export function checkReduction(x: Numbers, reduction: Reduction): void {
  if (!(x instanceof Float32Array || x instanceof Float64Array)) {
    throw new TypeError(`Cannot all-reduce: x must be a Float32Array or a Float64Array, got ${describe(x)}`);
  }
  if (!REDUCTIONS.includes(reduction)) {
    throw new TypeError(`Cannot all-reduce: the reduction must be one of ${REDUCTIONS.join(", ")}, got ${reduction}`);
  }
}

/** The bytes of an array, checked together with the rank that they come from. */
export function bytesToBroadcast(
  x: ArrayBufferView<ArrayBuffer>,
  root: number,
  { size }: Pick<Communicator, "size">,
): Uint8Array<ArrayBuffer> {
  if (!ArrayBuffer.isView(x)) throw new TypeError(`Cannot broadcast: x must be a typed array, got ${describe(x)}`);
  if (!(Number.isInteger(root) && root >= 0 && root < size)) {
    throw new RangeError(`Cannot broadcast: root must be a rank from 0 to ${size - 1}, got ${root}`);
  }
  return new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? value.constructor.name : typeof value;
}

/** How {@linkcode Communicator.allReduce} puts the numbers of all ranks together. The largest of NaN and a number is undefined. */
export type Reduction = "sum" | "mean" | "max";

/** Numbers that ranks can put together. */
export type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * Ranks that run one program, each in a process or a Worker of its own, and exchange numbers. Each call but `close` is a
 * meeting: all ranks make it, in the same order, with arrays of the same kind and length, and one at a time.
 *
 * While a rank waits for the others, timers and signals go on.
 */
export interface Communicator {
  /** This rank's number, from 0. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /**
   * Puts the numbers at each place of all ranks' arrays together, and leaves the outcome in all of the arrays, the same to the
   * bit. The memory that an array is a view of must not grow meanwhile.
   *
   * @param x This rank's numbers.
   * @param reduction What becomes of them.
   */
  allReduce(x: Numbers, reduction: Reduction): Promise<void>;
  /**
   * Copies an array of one rank into those of all.
   *
   * @param x This rank's array.
   * @param root The rank that has what is copied; 0 where it is left out.
   */
  broadcast(x: ArrayBufferView<ArrayBuffer>, root?: number): Promise<void>;
  /** Waits until all ranks are here. */
  barrier(): Promise<void>;
  /** Waits until all ranks are here, then ends the connection: the last thing that a program does. */
  close(): Promise<void>;
}

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
