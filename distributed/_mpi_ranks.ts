import { type MpiLibrary, openMpi } from "./_mpi_library.ts";
import { Turn } from "./_turn.ts";
import { bytesToBroadcast, checkReduction, type Communicator, type Numbers, type Reduction } from "./communicator.ts";
import type { Launcher } from "./launcher.ts";

/** MPI_THREAD_SERIALIZED: any thread may make calls, one at a time. */
const SERIALIZED = 2;
/** How often a rank polls for the others before another thread waits for them: a few tenths of a millisecond. */
const LOOKS = 1000;
/**
 * Arrays of at least this size in bytes go through another thread, so that timers keep working. For smaller ones that
 * would cost over 10 %.
 */
const LARGE = 1 << 24;
/** Bytes per broadcast: counts are 32-bit integers. */
const CHUNK = 1 << 30;
/** The longest time that the library may take to finalize, in seconds. */
const ENDING = 10;

/** Ranks started by an MPI launcher. */
export class MpiRanks implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly #library: MpiLibrary;
  readonly #sayGoodbye: () => void;
  readonly #timeout: number;
  readonly #request = new Uint8Array(8);
  readonly #flag = new Int32Array(1);
  readonly #turn = new Turn();

  private constructor(library: MpiLibrary, timeout: number) {
    this.#library = library;
    this.#sayGoodbye = leaveOnErrors(library.calls);
    this.#timeout = timeout;
    this.rank = this.#ask("rank");
    this.size = this.#ask("size");
  }

  /**
   * Connects to the ranks that a launcher started.
   *
   * @param launcher The launcher.
   * @param options The library's path, and the seconds to wait for other ranks.
   */
  static async connect(
    launcher: Launcher,
    { library: path, timeout }: { library: string | undefined; timeout: number },
  ): Promise<MpiRanks> {
    const library = openMpi(path, launcher);
    const { calls } = library;
    const level = new Int32Array(1);
    if (await within(timeout, calls.initialize(0n, 0n, SERIALIZED, level)) === undefined) {
      leave(calls, `Cannot connect: all ${launcher.size} ranks must connect within ${timeout} s, got a timeout`);
    }
    if (level[0]! < SERIALIZED) {
      leave(
        calls,
        `Cannot connect: ${library.path} must support MPI_THREAD_SERIALIZED (${SERIALIZED}), got level ${level[0]}`,
      );
    }
    const ranks = new MpiRanks(library, timeout);
    if (ranks.size === launcher.size) return ranks;
    return leave(
      calls,
      `Cannot connect: the library must belong to the launcher, which set ${launcher.variable} to ${launcher.size}, ` +
        `got ${library.path} with ${ranks.size}`,
    );
  }

  #ask(what: "rank" | "size"): number {
    check(what, this.#library.calls[what](this.#library.handles.world, this.#flag));
    return this.#flag[0]!;
  }

  async allReduce(x: Numbers, reduction: Reduction): Promise<void> {
    checkReduction(x, reduction);
    using _ = this.#turn.take("all-reduce");
    const { calls, handles } = this.#library;
    const { length } = x;
    const late = this.#meet();
    if (late) await late;
    if (x.length !== length) {
      throw new ReferenceError(
        "Cannot all-reduce: the memory of x must not grow while ranks wait, got a detached array",
      );
    }
    const kind = x instanceof Float32Array ? handles.float : handles.double;
    const operation = reduction === "max" ? handles.max : handles.sum;
    const { inPlace, world } = handles;
    const result = x.byteLength < LARGE
      ? calls.allReduce(inPlace, x, length, kind, operation, world)
      : await this.#watch(calls.allReduceAside(inPlace, x, length, kind, operation, world));
    check("all-reduce", result);
    if (reduction === "mean") x.forEach((sum, i) => x[i] = sum / this.size);
  }

  async broadcast(x: ArrayBufferView<ArrayBuffer>, root = 0): Promise<void> {
    const bytes = bytesToBroadcast(x, root, this);
    using _ = this.#turn.take("broadcast");
    const { calls, handles } = this.#library;
    await this.#meet();
    for (let from = 0; from < bytes.length; from += CHUNK) {
      const part = bytes.subarray(from, from + CHUNK);
      const result = this.#watch(calls.broadcast(part, part.length, handles.byte, root, handles.world));
      check("broadcast", await result);
    }
  }

  async barrier(): Promise<void> {
    using _ = this.#turn.take("wait at a barrier");
    await this.#meet();
  }

  async close(): Promise<void> {
    using _ = this.#turn.take("close");
    // Without this, some libraries never return from finalizing if one rank is late.
    await this.#meet();
    this.#sayGoodbye();
    const limit = Math.min(ENDING, this.#timeout);
    if (await within(limit, this.#library.calls.finalize()) === undefined) {
      console.error(`rank ${this.rank}: the MPI library did not finalize in time; exiting without it`);
    }
  }

  /** Waits for all ranks, so that the next call need not wait. Returns undefined if they are already there. */
  #meet(): Promise<void> | undefined {
    const { calls, handles } = this.#library;
    check("wait for the other ranks", calls.startBarrier(handles.world, this.#request));
    for (let look = 0; look < LOOKS; look++) {
      check("wait for the other ranks", calls.test(this.#request, this.#flag, handles.noStatus));
      if (this.#flag[0] !== 0) return undefined;
    }
    return this.#watch(calls.wait(this.#request, handles.noStatus)).then((result) =>
      check("wait for the other ranks", result)
    );
  }

  /** The result of a call on another thread. It cannot be cancelled, so after the timeout the process exits. */
  async #watch(result: Promise<number>): Promise<number> {
    return await within(this.#timeout, result) ?? leave(
      this.#library.calls,
      `Cannot ${this.#turn.doing}: the other ranks must respond within ${this.#timeout} s, got a timeout on rank ${this.rank}`,
    );
  }
}

/** The C library's `_exit`, which runs no exit handlers. */
interface Exit {
  exit(code: number): void;
}

/** Prints the reason and exits immediately: other threads may be in a call that cannot be cancelled. */
function leave({ exit }: Exit, message: string): never {
  console.error(`error: ${message}`);
  exit(1);
  throw new Error(message);
}

/**
 * Makes sure that a rank never ends silently while others depend on it. An uncaught error would end the process in the middle of
 * another thread's call, and a rank that ends without `close()` would make the launcher kill the others and report success.
 *
 * @returns A function to call once the ranks are closed.
 */
function leaveOnErrors(library: Exit): () => void {
  let isOver = false;
  addEventListener("error", (event) => {
    console.error(event.error);
    library.exit(1);
  });
  addEventListener("unhandledrejection", (event) => {
    console.error(event.reason);
    library.exit(1);
  });
  addEventListener("unload", () => {
    if (!isOver && Deno.exitCode === 0) {
      leave(library, "Cannot exit: close() must be called on every rank first");
    }
    // Exit handlers of the library may crash.
    library.exit(Deno.exitCode);
  });
  return () => void (isOver = true);
}

function check(doing: string, code: number): void {
  if (code !== 0) throw new Error(`Cannot ${doing}: the library must return 0, got the error code ${code}`);
}

/** A result, or undefined after a timeout. */
async function within(seconds: number, result: Promise<number>): Promise<number | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), 1000 * seconds));
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}
