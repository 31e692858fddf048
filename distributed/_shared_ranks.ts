import { Turn } from "./_turn.ts";
import { bytesToBroadcast, checkReduction, type Communicator, type Numbers, type Reduction } from "./communicator.ts";

/** Bytes of an array that are exchanged at once. */
const CHUNK = 1 << 20;
/** Where the counters end and the outcome of a chunk begins; behind it each rank has a place for its own. */
const HEADER = 64;
/** Behind those places: what each rank is about to do, in so many letters. */
const LETTERS = 64;
const [ARRIVED, GENERATION, LEFT] = [0, 1, 2] as const;
/** How often a rank looks for the others, before it sleeps until the last one wakes it: a tenth of a millisecond. */
const LOOKS = 50_000;

/** The memory that so many ranks meet in. */
export function sharedMemoryFor(size: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER + (1 + size) * CHUNK + size * LETTERS);
}

/** Ranks that are threads of one process and meet in memory that they share. */
export class SharedRanks implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly #shared: SharedArrayBuffer;
  readonly #counters: Int32Array<SharedArrayBuffer>;
  readonly #timeout: number;
  readonly #onClose: () => void;
  readonly #turn = new Turn();

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
    using _ = this.#turn.take("all-reduce");
    this.#announce(`the ${reduction} of ${x.length} numbers of a ${x.constructor.name}`);
    const most = CHUNK / x.BYTES_PER_ELEMENT;
    // Nothing is exchanged too, so that it is not taken for a rank that does not come.
    for (let from = 0; from === 0 || from < x.length; from += most) {
      const part = x.subarray(from, from + most);
      this.#placeOf(x, part.length, this.rank).set(part);
      await this.#meet("all-reduce");
      if (from === 0) this.#compare("all-reduce");
      this.#reduceStretch(x, part.length, reduction);
      await this.#meet("all-reduce");
      part.set(this.#placeOf(x, part.length));
    }
  }

  /** Writes down what this rank is about to do. */
  #announce(what: string): void {
    this.#announcement(this.rank).set(new TextEncoder().encode(what.padEnd(LETTERS)));
  }

  #announcement(rank: number): Uint8Array {
    return new Uint8Array(this.#shared, HEADER + (1 + this.size) * CHUNK + rank * LETTERS, LETTERS);
  }

  /** Fails where ranks that have met are about to do different things. */
  #compare(doing: string): void {
    const [first, ...others] = Array.from(
      { length: this.size },
      (_, rank) => new TextDecoder().decode(this.#announcement(rank).slice()).trimEnd(),
    );
    others.forEach((other, i) => {
      if (other === first) return;
      throw new Error(
        `Cannot ${doing}: all ranks must do the same, and rank 0 wants ${first}, rank ${i + 1} ${other}`,
      );
    });
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
    using _ = this.#turn.take("broadcast");
    this.#announce(`${bytes.length} bytes of rank ${root}`);
    for (let from = 0; from === 0 || from < bytes.length; from += CHUNK) {
      const part = bytes.subarray(from, from + CHUNK);
      // Not where the outcome of a reduction is, which others may still be reading.
      const place = new Uint8Array(this.#shared, HEADER + (1 + root) * CHUNK, part.length);
      if (this.rank === root) place.set(part);
      await this.#meet("broadcast");
      if (from === 0) this.#compare("broadcast");
      if (this.rank !== root) part.set(place);
      await this.#meet("broadcast");
    }
  }

  async barrier(): Promise<void> {
    using _ = this.#turn.take("meet");
    this.#announce("to meet");
    await this.#meet("meet");
  }

  async close(): Promise<void> {
    using _ = this.#turn.take("close");
    this.#announce("to close");
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

const READY = "unfold: ready";
const NAME = /^unfold rank (\d+) of (\d+)$/;

/** Which rank this Worker was started as, if it was. */
export function startedAs(): { rank: number; size: number } | undefined {
  const found = NAME.exec((globalThis as { name?: string }).name ?? "");
  return found === null ? undefined : { rank: Number(found[1]), size: Number(found[2]) };
}

/** Runs a module in size − 1 Workers, which become the ranks behind this one as soon as they call {@linkcode joinWorkers}. */
export async function startWorkers(
  module: string,
  { size, timeout }: { size: number; timeout: number },
): Promise<Communicator> {
  const shared = sharedMemoryFor(size);
  const workers = Array.from(
    { length: size - 1 },
    (_, i) => new Worker(module, { type: "module", name: `unfold rank ${i + 1} of ${size}` }),
  );
  const ready = workers.map((worker) =>
    new Promise<void>((resolve) =>
      worker.addEventListener("message", ({ data }) => data === READY && resolve(), { once: true })
    )
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(
      `Cannot connect: ${module} must call connect() in each of ${size - 1} Workers within ${timeout} s, and did not`,
    );
    timer = setTimeout(() => reject(error), 1000 * timeout);
  });
  await Promise.race([Promise.all(ready), late]).finally(() => clearTimeout(timer));
  for (const worker of workers) worker.postMessage(shared);
  const onClose = () => workers.forEach((worker) => worker.terminate());
  return new SharedRanks(shared, { rank: 0, size, timeout, onClose });
}

/** Takes part as the rank that this Worker was started as. */
export async function joinWorkers(options: { rank: number; size: number; timeout: number }): Promise<Communicator> {
  const shared = new Promise<SharedArrayBuffer>((resolve) =>
    addEventListener("message", (event) => resolve((event as MessageEvent).data), { once: true })
  );
  (globalThis as unknown as { postMessage(message: string): void }).postMessage(READY);
  const ranks = new SharedRanks(await shared, options);
  addEventListener("unload", () => ranks.leave());
  return ranks;
}
