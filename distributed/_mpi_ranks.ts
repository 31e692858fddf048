import { type MpiLibrary, openMpi } from "./_mpi_library.ts";
import { Turn } from "./_turn.ts";
import { bytesToBroadcast, checkReduction, type Communicator, type Numbers, type Reduction } from "./communicator.ts";
import type { Launcher } from "./launcher.ts";

/** The C library's way out, which runs nothing on the way. */
interface Exit {
  exit(code: number): void;
}

/** Prints why, and leaves at once: other threads may be in the middle of what cannot be called back. */
function leave({ exit }: Exit, message: string): never {
  console.error(`error: ${message}`);
  exit(1);
  throw new Error(message);
}

/**
 * Makes sure that a rank never ends in silence while others count on it. An error would end the process in the middle of what
 * another thread does, and an end without a goodbye would have the launcher kill the others and report success.
 *
 * @returns To be called when the ranks have said goodbye.
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
      leave(library, "Cannot end here: close() must be called on every rank, and was not");
    }
    // What a library leaves behind for the end of the process may crash it.
    library.exit(Deno.exitCode);
  });
  return () => void (isOver = true);
}

/** MPI_THREAD_SERIALIZED: any thread may call, one at a time. */
const SERIALIZED = 2;
/** How often a rank looks for the others, before another thread waits for them: some tenths of a millisecond. */
const LOOKS = 1000;
/** Bytes from which on another thread does the work, so that timers go on; below, the way there would cost more than 10 %. */
const LARGE = 1 << 24;
/** Bytes that are broadcast at once: counts are integers of 32 bits. */
const CHUNK = 1 << 30;
/** Seconds that the library may take to end, at most. */
const ENDING = 10;

/** Ranks that a launcher of MPI has started. */
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
   * Connects to the ranks that a launcher has started.
   *
   * @param launcher Who that was.
   * @param options The library's path, and seconds that other ranks are waited for.
   */
  static async connect(
    launcher: Launcher,
    { library: path, timeout }: { library: string | undefined; timeout: number },
  ): Promise<MpiRanks> {
    const library = openMpi(path, launcher);
    const { calls } = library;
    const level = new Int32Array(1);
    if (await within(timeout, calls.initialize(0n, 0n, SERIALIZED, level)) === undefined) {
      leave(calls, `Cannot connect: all ${launcher.size} ranks must connect within ${timeout} s, and did not`);
    }
    if (level[0]! < SERIALIZED) {
      leave(calls, `Cannot connect: ${library.path} must let any thread call it (MPI_THREAD_SERIALIZED), and does not`);
    }
    const ranks = new MpiRanks(library, timeout);
    if (ranks.size === launcher.size) return ranks;
    return leave(
      calls,
      `Cannot connect: the library must be that of the launcher, whose ${launcher.variable} is ${launcher.size}; ` +
        `${library.path} knows of ${ranks.size}`,
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
      throw new ReferenceError("Cannot all-reduce: the memory of x must not grow meanwhile, and did");
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
    using _ = this.#turn.take("meet");
    await this.#meet();
  }

  async close(): Promise<void> {
    using _ = this.#turn.take("close");
    // Without it, some libraries never come back from their end where one rank is late.
    await this.#meet();
    this.#sayGoodbye();
    const limit = Math.min(ENDING, this.#timeout);
    if (await within(limit, this.#library.calls.finalize()) === undefined) {
      console.error(`rank ${this.rank}: the library of MPI did not end in time and is left behind`);
    }
  }

  /** Waits until all ranks are here, so that what comes next need not wait for anybody; undefined where they are already. */
  #meet(): Promise<void> | undefined {
    const { calls, handles } = this.#library;
    check("meet", calls.startBarrier(handles.world, this.#request));
    for (let look = 0; look < LOOKS; look++) {
      check("meet", calls.test(this.#request, this.#flag, handles.noStatus));
      if (this.#flag[0] !== 0) return undefined;
    }
    return this.#watch(calls.wait(this.#request, handles.noStatus)).then((result) => check("meet", result));
  }

  /** What another thread does; it cannot be called back where it takes too long. */
  async #watch(result: Promise<number>): Promise<number> {
    return await within(this.#timeout, result) ?? leave(
      this.#library.calls,
      `Cannot ${this.#turn.doing}: the other ranks must come within ${this.#timeout} s, and did not (rank ${this.rank})`,
    );
  }
}

function check(doing: string, code: number): void {
  if (code !== 0) throw new Error(`Cannot ${doing}: the library must return 0, got the error code ${code}`);
}

/** A result, or undefined where it does not come in time. */
async function within(seconds: number, result: Promise<number>): Promise<number | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), 1000 * seconds));
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}
