import { Turn } from "./_turn.ts";
import { bytesToBroadcast, checkReduction, type Communicator, type Numbers, type Reduction } from "./communicator.ts";

// The shared memory: counters, the result of a chunk, a chunk of each rank, then the announcement of each rank.

/** The number of bytes per exchange. */
const CHUNK = 1 << 20;
/** Bytes of the counters. */
const HEADER = 64;
/** Bytes of an announcement: what a rank is about to do. */
const LETTERS = 64;
/** The most characters of a reason to leave. */
const LONGEST_REASON = 4000;
const [ARRIVED, GENERATION, LEFT] = [0, 1, 2] as const;
/** How often a rank polls for the others before it sleeps until the last one wakes it: a tenth of a millisecond. */
const LOOKS = 50_000;

/** The memory that `size` ranks share. */
export function sharedMemoryFor(size: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER + (1 + size) * CHUNK + size * LETTERS);
}

/** Ranks that are threads of one process and exchange numbers through shared memory. */
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
   * @param options This rank, the number of ranks, the seconds to wait for others, and what to do when all have closed.
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

  /**
   * Tells the others that a rank has exited, so that they do not wait for it. The first rank to leave counts.
   *
   * @param reason Its error, if that is why.
   * @param rank The rank; this one by default.
   */
  leave(reason = "", rank = this.rank): void {
    if (Atomics.load(this.#counters, LEFT) > 0) return;
    // A zero ends it.
    const text = new TextEncoder().encode(`${reason.slice(0, LONGEST_REASON)}\0`);
    new Uint8Array(this.#shared, this.#chunkOf(rank)).set(text);
    Atomics.compareExchange(this.#counters, LEFT, 0, rank + 1);
    Atomics.notify(this.#counters, GENERATION);
  }

  /** Where the chunk of a rank starts. A rank that leaves says why in its chunk, which nobody needs any more. */
  #chunkOf(rank: number): number {
    return HEADER + (1 + rank) * CHUNK;
  }

  /** Throws if a rank has left. */
  #checkLeft(doing: string): void {
    const left = Atomics.load(this.#counters, LEFT);
    if (left === 0) return;
    const chunk = new Uint8Array(this.#shared, this.#chunkOf(left - 1), CHUNK);
    const reason = new TextDecoder().decode(chunk.slice(0, chunk.indexOf(0)));
    const got = reason === "" ? `rank ${left - 1} exited` : `on rank ${left - 1} the error: ${reason}`;
    throw new Error(`Cannot ${doing}: all ranks must be running, got ${got}`);
  }

  async allReduce(x: Numbers, reduction: Reduction): Promise<void> {
    checkReduction(x, reduction);
    using _ = this.#turn.take("all-reduce");
    this.#announce(`the ${reduction} of ${x.length} values in a ${x.constructor.name}`);
    const most = CHUNK / x.BYTES_PER_ELEMENT;
    // An empty array is exchanged too: the other ranks wait for it.
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

  /** Announces what this rank is about to do. */
  #announce(what: string): void {
    this.#announcement(this.rank).set(new TextEncoder().encode(what.padEnd(LETTERS)));
  }

  #announcement(rank: number): Uint8Array {
    return new Uint8Array(this.#shared, HEADER + (1 + this.size) * CHUNK + rank * LETTERS, LETTERS);
  }

  /** Throws if the ranks are about to do different things. */
  #compare(doing: string): void {
    const [first, ...others] = Array.from(
      { length: this.size },
      (_, rank) => new TextDecoder().decode(this.#announcement(rank).slice()).trimEnd(),
    );
    others.forEach((other, i) => {
      if (other === first) return;
      throw new Error(
        `Cannot ${doing}: all ranks must make the same call, got ${first} on rank 0 and ${other} on rank ${i + 1}`,
      );
    });
  }

  /** Reduces this rank's part of the chunk, always in rank order. */
  #reduceStretch(kind: Numbers, length: number, reduction: Reduction): void {
    const [from, to] = [this.rank, this.rank + 1].map((rank) => Math.floor(rank * length / this.size)) as [
      number,
      number,
    ];
    const result = this.#placeOf(kind, length).subarray(from, to);
    const [first, ...others] = Array.from(
      { length: this.size },
      (_, rank) => this.#placeOf(kind, length, rank).subarray(from, to),
    );
    result.set(first!);
    for (const other of others) {
      if (reduction === "max") {
        for (let i = 0; i < result.length; i++) result[i] = Math.max(result[i]!, other[i]!);
      } else for (let i = 0; i < result.length; i++) result[i]! += other[i]!;
    }
    if (reduction === "mean") { for (let i = 0; i < result.length; i++) result[i]! /= this.size; }
  }

  /** A rank's chunk in the shared memory, or by default the result's. */
  #placeOf(kind: Numbers, length: number, rank = -1): Float32Array | Float64Array {
    const place = [this.#shared, this.#chunkOf(rank), length] as const;
    return kind instanceof Float32Array ? new Float32Array(...place) : new Float64Array(...place);
  }

  async broadcast(x: ArrayBufferView<ArrayBuffer>, root = 0): Promise<void> {
    const bytes = bytesToBroadcast(x, root, this);
    using _ = this.#turn.take("broadcast");
    this.#announce(`a broadcast of ${bytes.length} bytes from rank ${root}`);
    for (let from = 0; from === 0 || from < bytes.length; from += CHUNK) {
      const part = bytes.subarray(from, from + CHUNK);
      // Do not use the chunk of the result, which others may still be reading.
      const place = new Uint8Array(this.#shared, this.#chunkOf(root), part.length);
      if (this.rank === root) place.set(part);
      await this.#meet("broadcast");
      if (from === 0) this.#compare("broadcast");
      if (this.rank !== root) part.set(place);
      await this.#meet("broadcast");
    }
  }

  async barrier(): Promise<void> {
    using _ = this.#turn.take("wait at a barrier");
    this.#announce("a barrier");
    await this.#meet("wait at a barrier");
  }

  async close(): Promise<void> {
    using _ = this.#turn.take("close");
    this.#announce("close");
    await this.#meet("close");
    this.#onClose();
  }

  /** Waits for all ranks. The last one to arrive releases them. */
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
      this.#checkLeft(doing);
      const remaining = until - performance.now();
      if (remaining <= 0) {
        throw new Error(`Cannot ${doing}: the other ranks must respond within ${this.#timeout} s, got a timeout`);
      }
      const { async, value } = Atomics.waitAsync(counters, GENERATION, generation, remaining);
      // A pending wait alone does not keep the process alive.
      const alive = setInterval(() => {}, 60_000);
      if (async) await value;
      clearInterval(alive);
    }
  }
}

const READY = "unfold: ready";
/** A message that begins with this says that a Worker has exited; the rest is its error, if there is one. */
const GONE = "unfold: gone";
const NAME = /^unfold rank (\d+) of (\d+)$/;

/** This Worker's rank; undefined in the main thread. */
export function startedAs(): { rank: number; size: number } | undefined {
  const found = NAME.exec((globalThis as { name?: string }).name ?? "");
  return found === null ? undefined : { rank: Number(found[1]), size: Number(found[2]) };
}

/** What a Worker has that the main thread has not. */
interface WorkerScope {
  postMessage(message: string): void;
  close(): void;
}

/** The ranks that this Worker has joined. */
let joined: SharedRanks | undefined;
if (startedAs() !== undefined) watchExit(globalThis as unknown as WorkerScope);

/** Has the other ranks notice if this Worker exits or fails. */
function watchExit(scope: WorkerScope): void {
  const leave = (reason = "") => joined === undefined ? scope.postMessage(GONE + reason) : joined.leave(reason);
  addEventListener("unload", () => leave());
  // It fires no event.
  const close = scope.close.bind(scope);
  scope.close = () => {
    leave();
    close();
  };
  // Rank 0 reports the error, once.
  const fail = (event: Event, error: unknown) => {
    event.preventDefault();
    leave(reasonOf(error));
    close();
  };
  addEventListener("error", (event) => fail(event, event.error));
  addEventListener("unhandledrejection", (event) => fail(event, event.reason));
}

/** An error in words: with its stack, unless it is about the input or a permission. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isBug = !(error instanceof Deno.errors.NotCapable || /^Cannot .+: /.test(error.message));
  return isBug ? error.stack ?? String(error) : error.message;
}

/** Resolves when a Worker connects; rejects if it fails or exits first. Later, `onExit` hears of that. */
function connected(worker: Worker, rank: number, onExit: (reason: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (reason: string) => {
      const got = reason === "" ? "an exit before that" : `the error: ${reason}`;
      reject(new Error(`Cannot connect: rank ${rank} must call connect() in its Worker, got ${got}`));
      onExit(reason);
    };
    worker.addEventListener("error", (event) => {
      // Otherwise it would end this thread without a chance to report it.
      event.preventDefault();
      gone(event.message.replace(/^Uncaught (\(in promise\) )?/, ""));
    });
    worker.addEventListener("message", ({ data }) => {
      if (data === READY) resolve();
      else if (typeof data === "string" && data.startsWith(GONE)) gone(data.slice(GONE.length));
    });
  });
}

/** Runs a module in size − 1 Workers, which become the other ranks when they call {@linkcode joinWorkers}. */
export async function startWorkers(
  module: string,
  { size, timeout }: { size: number; timeout: number },
): Promise<Communicator> {
  const shared = sharedMemoryFor(size);
  let isOver = false;
  const ranks = new SharedRanks(shared, {
    ...{ rank: 0, size, timeout },
    onClose: () => {
      isOver = true;
      end();
    },
  });
  const workers = Array.from(
    { length: size - 1 },
    (_, i) => new Worker(module, { type: "module", name: `unfold rank ${i + 1} of ${size}` }),
  );
  const end = () => workers.forEach((worker) => worker.terminate());
  const ready = workers.map((worker, i) => connected(worker, i + 1, (reason) => ranks.leave(reason, i + 1)));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(
      `Cannot connect: ${module} must call connect() in all ${size - 1} Workers within ${timeout} s, got a timeout`,
    );
    timer = setTimeout(() => reject(error), 1000 * timeout);
  });
  try {
    await Promise.race([Promise.all(ready), late]);
  } catch (error) {
    end();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  for (const worker of workers) worker.postMessage(shared);
  addEventListener("unload", () => {
    if (isOver || Deno.exitCode !== 0) return;
    console.error("error: Cannot exit: close() must be called on every rank first");
    Deno.exitCode = 1;
  });
  return ranks;
}

/** Joins the ranks with this Worker's rank. */
export async function joinWorkers(options: { rank: number; size: number; timeout: number }): Promise<Communicator> {
  const shared = new Promise<SharedArrayBuffer>((resolve) =>
    addEventListener("message", (event) => resolve((event as MessageEvent).data), { once: true })
  );
  (globalThis as unknown as WorkerScope).postMessage(READY);
  return joined = new SharedRanks(await shared, options);
}
