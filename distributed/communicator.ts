import type { Random } from "@unfold/core";

/** How {@linkcode Communicator.allReduce} combines the values of all ranks. The `max` of NaN and a number is undefined. */
export type Reduction = "sum" | "mean" | "max";

/** Arrays that ranks can reduce. */
export type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * Ranks that run one program, each in its own process, and exchange numbers. The calls are collective: all ranks make
 * them in the same order, one at a time, with arrays of the same type and length.
 *
 * Timers and signals keep working while a rank waits for the others.
 */
export interface Communicator {
  /** This rank's number, from 0. */
  readonly rank: number;
  /** The number of ranks. */
  readonly size: number;
  /**
   * Reduces the arrays of all ranks element by element, and writes the same result, bit for bit, to all of them. If an
   * array is a view of a WebAssembly memory, that memory must not grow during the call.
   *
   * @param x This rank's array.
   * @param reduction How to combine the values.
   */
  allReduce(x: Numbers, reduction: Reduction): Promise<void>;
  /**
   * Copies the array of one rank into the arrays of all ranks.
   *
   * @param x This rank's array.
   * @param root The rank to copy from; 0 by default.
   */
  broadcast(x: ArrayBufferView<ArrayBuffer>, root?: number): Promise<void>;
  /** Waits until all ranks have called it. */
  barrier(): Promise<void>;
  /** Waits until all ranks have called it, then ends the connection. Call it last. */
  close(): Promise<void>;
}

/**
 * A communicator for a single process. It needs no permission.
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
    // deno-lint-ignore require-await -- so that errors reject the promise, as with several ranks
    allReduce: async (x, reduction) => checkReduction(x, reduction),
    // deno-lint-ignore require-await
    broadcast: async (x, root = 0) => void bytesToBroadcast(x, root, { size: 1 }),
    barrier: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/**
 * Makes a `Random` that is equal on all ranks draw different numbers on each rank from now on, for dropout masks. Rank
 * 0 keeps its stream; rank r gets the r-th stream split off. Do not use it for the `Random` that shuffles batches: that
 * must stay equal.
 *
 * @param random The source of random numbers, changed in place.
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

const REDUCTIONS: readonly Reduction[] = ["sum", "mean", "max"];

/** Throws a `TypeError` unless the array and the reduction are supported. */
export function checkReduction(x: Numbers, reduction: Reduction): void {
  if (!(x instanceof Float32Array || x instanceof Float64Array)) {
    throw new TypeError(`Cannot all-reduce: x must be a Float32Array or a Float64Array, got ${describe(x)}`);
  }
  if (!REDUCTIONS.includes(reduction)) {
    throw new TypeError(`Cannot all-reduce: the reduction must be one of ${REDUCTIONS.join(", ")}, got ${reduction}`);
  }
}

/** The bytes of an array to broadcast. Checks the array and the root. */
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

/** Throws a `RangeError` unless a count is a positive integer. */
export function checkCount(doing: string, name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new RangeError(`Cannot ${doing}: ${name} must be an integer of 1 or more, got ${value}`);
}
