import { bytesToBroadcast, checkReduction } from "./_check.ts";
import type { Communicator, Numbers, Reduction } from "./communicator.ts";

/** Bytes of an array that are exchanged at once. */
const CHUNK = 1 << 20;
/** Where the counters end and the outcome of a chunk begins; behind it each rank has a place for its own. */
const HEADER = 64;
const [ARRIVED, GENERATION, LEFT] = [0, 1, 2] as const;
/** How often a rank looks for the others, before it sleeps until the last one wakes it: a tenth of a millisecond. */
const LOOKS = 50_000;

/** The memory that so many ranks meet in. */
export function sharedMemoryFor(size: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER + (1 + size) * CHUNK);
}

/** Ranks that are threads of one process and meet in memory that they share. */
export class SharedRanks implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly #shared: SharedArrayBuffer;
  readonly #counters: Int32Array<SharedArrayBuffer>;
  readonly #timeout: number;
  readonly #onClose: () => void;

  /**
   * @param shared From {@linkcode sharedMemoryFor}.
   * @param options Which rank this is, seconds that others are waited for, and what to do when all have closed.
   */
  constructor(
    shared: SharedArrayBuffer,
    options: { rank: number; size: number; timeout: number; onClose?: () => void },
  ) {
    this.#shared = shared;
    this.#counters = new Int32Array(shared, 0, HEADER / 4);
    this.rank = options.rank;
    this.size = options.size;
    this.#timeout = options.timeout;
    this.#onClose = options.onClose ?? (() => {});
  }

  /** Tells the others not to wait, for this rank will not come again. */
  leave(): void {
    Atomics.store(this.#counters, LEFT, this.rank + 1);
    Atomics.notify(this.#counters, GENERATION);
  }

  async allReduce(x: Numbers, reduction: Reduction): Promise<void> {
    checkReduction(x, reduction);
    const most = CHUNK / x.BYTES_PER_ELEMENT;
    for (let from = 0; from < x.length; from += most) {
      const part = x.subarray(from, from + most);
      this.#placeOf(x, part.length, this.rank).set(part);
      await this.#meet("all-reduce");
      this.#reduceStretch(x, part.length, reduction);
      await this.#meet("all-reduce");
      part.set(this.#placeOf(x, part.length));
    }
  }

  /** Each rank puts a stretch of the chunk together, always in the order of the ranks. */
  #reduceStretch(kind: Numbers, length: number, reduction: Reduction): void {
    const [from, to] = [this.rank, this.rank + 1].map((rank) => Math.floor(rank * length / this.size)) as [
      number,
      number,
    ];
    const outcome = this.#placeOf(kind, length).subarray(from, to);
    const [first, ...others] = Array.from(
      { length: this.size },
      (_, rank) => this.#placeOf(kind, length, rank).subarray(from, to),
    );
    outcome.set(first!);
    for (const other of others) {
      if (reduction === "max") {
        for (let i = 0; i < outcome.length; i++) outcome[i] = Math.max(outcome[i]!, other[i]!);
      } else for (let i = 0; i < outcome.length; i++) outcome[i]! += other[i]!;
    }
    if (reduction === "mean") { for (let i = 0; i < outcome.length; i++) outcome[i]! /= this.size; }
  }

  /** A rank's numbers in the shared memory, or the outcome. */
  #placeOf(kind: Numbers, length: number, rank = -1): Float32Array | Float64Array {
    const place = [this.#shared, HEADER + (1 + rank) * CHUNK, length] as const;
    return kind instanceof Float32Array ? new Float32Array(...place) : new Float64Array(...place);
  }

  async broadcast(x: ArrayBufferView<ArrayBuffer>, root = 0): Promise<void> {
    const bytes = bytesToBroadcast(x, root, this);
    for (let from = 0; from < bytes.length; from += CHUNK) {
      const part = bytes.subarray(from, from + CHUNK);
      // Not where the outcome of a reduction is, which others may still be reading.
      const place = new Uint8Array(this.#shared, HEADER + (1 + root) * CHUNK, part.length);
      if (this.rank === root) place.set(part);
      await this.#meet("broadcast");
      if (this.rank !== root) part.set(place);
      await this.#meet("broadcast");
    }
  }

  barrier(): Promise<void> {
    return this.#meet("meet");
  }

  async close(): Promise<void> {
    await this.#meet("close");
    this.#onClose();
  }

  /** The last rank to arrive lets all of them go on. */
  async #meet(doing: string): Promise<void> {
    const counters = this.#counters;
    const generation = Atomics.load(counters, GENERATION);
    if (Atomics.add(counters, ARRIVED, 1) === this.size - 1) {
      Atomics.store(counters, ARRIVED, 0);
      Atomics.add(counters, GENERATION, 1);
      Atomics.notify(counters, GENERATION);
      return;
    }
    for (let look = 0; look < LOOKS; look++) {
      if (Atomics.load(counters, GENERATION) !== generation) return;
    }
    const until = performance.now() + 1000 * this.#timeout;
    while (Atomics.load(counters, GENERATION) === generation) {
      const left = Atomics.load(counters, LEFT);
      if (left > 0) throw new Error(`Cannot ${doing}: all ranks must come, and rank ${left - 1} has left`);
      const remaining = until - performance.now();
      if (remaining <= 0) {
        throw new Error(`Cannot ${doing}: the other ranks must come within ${this.#timeout} s, and did not`);
      }
      const { async, value } = Atomics.waitAsync(counters, GENERATION, generation, remaining);
      // Waiting alone would not keep the engine from taking the program for finished.
      const alive = setInterval(() => {}, 60_000);
      if (async) await value;
      clearInterval(alive);
    }
  }
}
