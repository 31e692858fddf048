import { blasOpener } from "./blas_library.ts";
import { checkCounts } from "./checks.ts";
import { type Kernel, modules } from "./load_kernels.ts";
import { Block, growth, isShared, memory } from "./memory.ts";
import { CAPACITY, CONTROL, OWN, replay, type ReplayOptions, WIDTH } from "./replay.ts";
import { pinScopes, scope } from "./scope.ts";

/** More threads than this are a mistake. */
const MOST_THREADS = 256;
/** Bytes of a worker's scratch memory. Kernels need 512; modules are sent through it piece by piece. */
const SCRATCH_BYTES = 16_384;
/** How long a thread looks for news before it sleeps, in milliseconds: waking up takes longer than most pauses in a step. */
const PATIENCE = 0.1;
/** A worker that makes no call for so many seconds has ended. */
const MOST_SECONDS = 60;

/** The workers in use, besides the main thread. */
const workers: ThreadWorker[] = [];
/** The number of the thread whose calls are being recorded; 0 is the main thread, which makes its calls itself. */
let current = 0;
/** Whether work is being split. Its parts are not split again. */
let isSplitting = false;

/** Where the BLAS is that all threads use, if one is in use. */
let blasPath: string | undefined;

/** Makes all threads use a BLAS, or none. */
export function setThreadsBlas(path: string | undefined): void {
  blasPath = path;
}

/** A worker, and the calls that the main thread writes for it. */
class ThreadWorker {
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * CONTROL.length));
  readonly #calls = new Float64Array(new SharedArrayBuffer(8 * WIDTH * CAPACITY));
  readonly #scratch = new Block(SCRATCH_BYTES, "a thread");
  /** Calls written, modulo 2³². */
  #written = 0;
  /** A number of calls that are known to be done. */
  #done = 0;
  /** The number of modules that the worker has loaded. */
  #modules = 0;
  /** The path of the BLAS that the worker has opened. */
  #blas: string | undefined;
  #growth = growth.count;
  /** Why the worker ended, if it did. */
  #ended: string | undefined;
  #terminate = (): void => {};

  /** Whether it has not ended. */
  get runs(): boolean {
    return this.#ended === undefined;
  }

  #endedError(): Error {
    return new Error(
      `Cannot use ${threadCount()} threads: all must run, but one has ended (${this.#ended}); call useThreads() again`,
    );
  }

  /** Starts the worker. Resolves to whether it runs. */
  async start(): Promise<boolean> {
    const options: ReplayOptions = {
      memory,
      control: this.#control.buffer,
      calls: this.#calls.buffer,
      scratch: this.#scratch.offset,
      positions: CONTROL,
      patience: PATIENCE,
      from: import.meta.url,
    };
    const runs = await new Promise<boolean>((resolve) => {
      const end = (reason: string) => {
        this.#ended ??= reason;
        resolve(false);
      };
      try {
        this.#terminate = startWorker(options, () => resolve(true), end);
      } catch (error) {
        end(String(error));
      }
    });
    if (!runs) this.stop();
    return runs;
  }

  /** Ends the worker, after the calls that were written. */
  stop(): void {
    if (this.#ended === undefined) {
      this.write(OWN.stop);
      this.join();
    }
    this.#terminate();
    this.#scratch.release();
  }

  /** Loads the modules and the BLAS that the worker does not have. Throws if the worker has ended. */
  prepare(): void {
    if (this.#ended !== undefined) throw this.#endedError();
    for (; this.#modules < modules.length; this.#modules++) {
      const { bytes } = modules[this.#modules]!;
      for (let at = 0; at < bytes.length; at += SCRATCH_BYTES) {
        const piece = bytes.subarray(at, at + SCRATCH_BYTES);
        new Uint8Array(memory.buffer, this.#scratch.offset, piece.length).set(piece);
        this.write(OWN.load, this.#scratch.offset, piece.length, Number(at + SCRATCH_BYTES >= bytes.length));
        this.join();
      }
    }
    if (blasPath === undefined || blasPath === this.#blas) return;
    const path = new TextEncoder().encode(blasPath);
    new Uint8Array(memory.buffer, this.#scratch.offset, path.length).set(path);
    this.write(OWN.openBlas, this.#scratch.offset, path.length);
    this.join();
    this.#blas = blasPath;
  }

  /** Writes a call: the number of a function and up to 15 arguments. */
  write(
    f: number,
    a?: number,
    b?: number,
    c?: number,
    d?: number,
    e?: number,
    g?: number,
    h?: number,
    i?: number,
    j?: number,
    k?: number,
    l?: number,
    m?: number,
    n?: number,
    o?: number,
    p?: number,
  ): void {
    if (this.#growth !== growth.count) {
      this.#growth = growth.count;
      this.write(OWN.grow);
    }
    if ((this.#written - this.#done | 0) >= CAPACITY) this.#waitFor(this.#written - CAPACITY / 2 | 0);
    const at = (this.#written & CAPACITY - 1) * WIDTH;
    const calls = this.#calls;
    calls[at] = f;
    calls[at + 1] = a!;
    calls[at + 2] = b!;
    calls[at + 3] = c!;
    calls[at + 4] = d!;
    calls[at + 5] = e!;
    calls[at + 6] = g!;
    calls[at + 7] = h!;
    calls[at + 8] = i!;
    calls[at + 9] = j!;
    calls[at + 10] = k!;
    calls[at + 11] = l!;
    calls[at + 12] = m!;
    calls[at + 13] = n!;
    calls[at + 14] = o!;
    calls[at + 15] = p!;
    this.#written = this.#written + 1 | 0;
    Atomics.store(this.#control, CONTROL.written, this.#written);
    if (Atomics.load(this.#control, CONTROL.asleep) === 1) Atomics.notify(this.#control, CONTROL.written);
  }

  /** Waits until all calls are done. Throws an error if one of them failed. */
  join(): void {
    this.#waitFor(this.#written);
    const length = Atomics.load(this.#control, CONTROL.failed);
    if (length === 0) return;
    Atomics.store(this.#control, CONTROL.failed, 0);
    const text = this.#control.subarray(CONTROL.message, CONTROL.message + length);
    throw new Error(`Cannot run a kernel on a thread: ${String.fromCharCode(...text)}`);
  }

  /** Waits until a number of calls are done: first awake, then asleep. */
  #waitFor(count: number): void {
    const end = performance.now() + PATIENCE;
    while (!this.#hasDone(count)) if (performance.now() >= end) return this.#sleepFor(count);
  }

  #hasDone(count: number): boolean {
    this.#done = Atomics.load(this.#control, CONTROL.done);
    return (this.#done - count | 0) >= 0;
  }

  #sleepFor(count: number): void {
    Atomics.store(this.#control, CONTROL.target, count);
    let seconds = 0;
    for (let before = this.#done;; before = this.#done) {
      Atomics.store(this.#control, CONTROL.waiting, 1);
      if (this.#hasDone(count)) break;
      if (sleep(this.#control, CONTROL.waiting, 1) !== "timed-out") continue;
      seconds = this.#done === before ? seconds + 1 : 0;
      if (seconds === MOST_SECONDS) {
        this.#ended = `it made no call for ${seconds} seconds`;
        throw this.#endedError();
      }
    }
    Atomics.store(this.#control, CONTROL.waiting, 0);
  }
}

/** Waits up to a second for a number to change. */
function sleep(numbers: Int32Array<SharedArrayBuffer>, at: number, value: number): "ok" | "not-equal" | "timed-out" {
  try {
    return Atomics.wait(numbers, at, value, 1000);
  } catch {
    // The main thread of a page may not sleep.
    const end = performance.now() + 1000;
    while (performance.now() < end) if (Atomics.load(numbers, at) !== value) return "ok";
    return "timed-out";
  }
}

/** A worker of Node's API, which does not keep the program running. */
interface NodeWorker {
  on(event: "message" | "error" | "exit", listener: (value: unknown) => void): void;
  unref(): void;
  terminate(): unknown;
}

/** Modules of Node's API that Deno and Bun have too. */
interface NodeModules {
  "node:worker_threads": { Worker: new (source: string, options: { eval: true; workerData: unknown }) => NodeWorker };
  "node:os": { availableParallelism(): number };
}

/** A module of Node's API; undefined in browsers. */
function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: Name): NodeModules[Name] | undefined } };
  return process?.getBuiltinModule?.(name);
}

/** Starts a worker. Returns a function that ends it. */
function startWorker(options: ReplayOptions, onReady: () => void, onEnd: (reason: string) => void): () => void {
  const node = nodeModule("node:worker_threads");
  if (node !== undefined) {
    const source = 'const { parentPort, workerData } = require("node:worker_threads"); ' +
      `(${replay})(workerData, ${blasOpener}, () => parentPort.postMessage(0));`;
    const worker = new node.Worker(source, { eval: true, workerData: options });
    worker.on("message", () => {
      worker.unref();
      onReady();
    });
    worker.on("error", (error) => onEnd(String(error)));
    worker.on("exit", (code) => onEnd(`exit code ${code}`));
    return () => void worker.terminate();
  }
  const source = `onmessage = ({ data }) => (${replay})(data, ${blasOpener}, () => postMessage(0));`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onmessage = onReady;
  worker.onerror = (event) => onEnd(event.message);
  worker.postMessage(options);
  return () => {
    worker.terminate();
    URL.revokeObjectURL(url);
  };
}

/** The number of cores that the program may use, as far as the runtime says. */
function availableCores(): number {
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number } };
  return navigator?.hardwareConcurrency ?? nodeModule("node:os")?.availableParallelism() ?? 1;
}

/** The last change of the number of threads. */
let change: Promise<unknown> = Promise.resolve();

/**
 * Computes on several threads: long recurrent layers, large matrix products, and the rules of optimizers. Results are the same
 * to the last bit for every number of threads. Without this call, everything runs on one thread.
 *
 * The threads share the memory, so a page must be cross-origin isolated, and its content policy must allow workers from
 * `blob:` URLs. Where that is not so, everything stays on one thread; the result says how many there are. They need no
 * permissions, and end with the program.
 *
 * @param count The number of threads, with the calling one. The default is the number of cores.
 * @returns The number of threads in use from now on.
 * @throws {RangeError} If the count is not an integer from 1 to 256.
 *
 * @example
 * ```ts
 * import { threadCount, useThreads } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.equal(threadCount(), 1);
 * const count = await useThreads(2);
 * assert.equal(threadCount(), count);
 * await useThreads(1);
 * assert.equal(threadCount(), 1);
 * ```
 */
export async function useThreads(count?: number): Promise<number> {
  const wanted = count ?? Math.min(availableCores(), MOST_THREADS);
  checkCounts("use threads", { count: wanted });
  if (wanted > MOST_THREADS) {
    throw new RangeError(`Cannot use threads: count must be at most ${MOST_THREADS}, got ${wanted}`);
  }
  const changed = change.then(() => changeTo(wanted));
  change = changed.catch(() => {});
  return await changed;
}

async function changeTo(count: number): Promise<number> {
  const kept = workers.filter((worker) => worker.runs).slice(0, count - 1);
  for (const worker of workers) if (!kept.includes(worker)) worker.stop();
  workers.splice(0, Infinity, ...kept);
  if (!isShared) return 1;
  const added = Array.from({ length: count - 1 - workers.length }, () => new ThreadWorker());
  const runs = await Promise.all(added.map((worker) => worker.start()));
  workers.push(...added.filter((_, i) => runs[i]));
  return threadCount();
}

/**
 * The number of threads in use, with the calling one: see {@linkcode useThreads}.
 *
 * @example
 * ```ts
 * import { threadCount } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.equal(threadCount(), 1);
 * ```
 */
export function threadCount(): number {
  return workers.length + 1;
}

/** The number of the thread that kernels called now will run on; 0 is the main thread. */
export function currentThread(): number {
  return current;
}

/** How to share work: see {@linkcode inShares}. */
export interface ShareOptions {
  /** The least number of items worth a thread: about 50 microseconds of work. Fewer stay on one thread. */
  readonly least: number;
  /**
   * Shares start at multiples of this.
   *
   * @default {1}
   */
  readonly multiple?: number;
}

/** Whether even small work is worth a thread. */
let splitsSmallWork = false;

/** Calls a function while even small work is split, for tests. */
export function splittingSmallWork<T>(run: () => T): T {
  splitsSmallWork = true;
  try {
    return run();
  } finally {
    splitsSmallWork = false;
  }
}

/** Whether there are threads that could take a share. */
export function hasIdleThreads(): boolean {
  return workers.length > 0 && !isSplitting;
}

/** The number of shares that {@linkcode inShares} makes of so many items. */
function sharesOf(count: number, { least, multiple = 1 }: ShareOptions): number {
  if (!hasIdleThreads()) return 1;
  const worthy = splitsSmallWork && least < Infinity ? count : Math.floor(count / least);
  return Math.min(threadCount(), worthy, Math.ceil(count / multiple));
}

/** Whether {@linkcode inShares} would split so many items. */
export function isWorthSplitting(count: number, options: ShareOptions): boolean {
  return sharesOf(count, options) > 1;
}

/**
 * Splits items, such as the rows of a batch, into shares for all threads. Returns when all are done.
 *
 * `run` is called once for each share, on the main thread, and must do all its work through kernels: `loadKernels` and `gemm`.
 * For the shares of other threads the calls are only written down, in order, and the threads make them at the same time. So
 * `run` must not look at the results, nor write to the memory by itself; the kernels of one share must not touch what another
 * share writes; and a kernel that returns a number returns nothing there. Memory that `run` takes from scopes stays until all
 * are done. Right operands of products that shares have in common must be packed before: see `packFor`.
 *
 * @param count The number of items.
 * @param run Does the work of the items from the first number to before the second.
 *
 * @example
 * ```ts
 * import { tensor, useThreads, zeros } from "@unfold/core";
 * import { coreKernels, inShares } from "@unfold/core/kernels";
 * import assert from "node:assert/strict";
 *
 * await useThreads(2);
 * const [x, y] = [tensor([1, 4, 9, 16]), zeros([4])];
 * inShares(4, { least: 2 }, (from, to) => coreKernels.sqrt(x.offset + 4 * from, y.offset + 4 * from, to - from));
 * assert.deepEqual(y.toArray(), [1, 2, 3, 4]);
 * await useThreads(1);
 * ```
 */
export function inShares(count: number, options: ShareOptions, run: (from: number, to: number) => void): void {
  const shares = sharesOf(count, options);
  if (shares < 2) return run(0, count);
  const { multiple = 1 } = options;
  const units = Math.ceil(count / multiple);
  const start = (share: number) => Math.min(count, Math.floor(share * units / shares) * multiple);
  const helpers = workers.slice(0, shares - 1);
  helpers.forEach((worker) => worker.prepare());
  using _ = scope();
  try {
    isSplitting = true;
    pinScopes(true);
    helpers.forEach((worker, index) => recordFor(worker, index + 1, () => run(start(index + 1), start(index + 2))));
    run(0, start(1));
  } finally {
    isSplitting = false;
    pinScopes(false);
    finish(helpers);
  }
}

/** Elements that are worth a thread: kernels take about a nanosecond for each. */
export const LEAST_ELEMENTS = 32_768;

/**
 * {@linkcode inShares} for kernels that go over elements. `run` gets the bytes before its first element, which it must add to its
 * offsets, and its number of elements.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { coreKernels, overElements } from "@unfold/core/kernels";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([1, 4, 9]);
 * overElements(x.size, (at, n) => coreKernels.sqrt(x.offset + at, x.offset + at, n));
 * assert.deepEqual(x.toArray(), [1, 2, 3]);
 * ```
 */
export function overElements(count: number, run: (at: number, count: number) => void): void {
  inShares(count, { least: LEAST_ELEMENTS, multiple: 16 }, (from, to) => run(4 * from, to - from));
}

/** The same for kernels that go over rows of n elements: `run` gets the first row, and the number of rows. */
export function overRows(rows: number, n: number, run: (row: number, rows: number) => void): void {
  inShares(rows, { least: LEAST_ELEMENTS / n }, (from, to) => run(from, to - from));
}

/** Waits for workers, for all of them even if one failed. */
function finish([worker, ...others]: readonly ThreadWorker[]): void {
  try {
    worker?.join();
  } finally {
    if (others.length > 0) finish(others);
  }
}

/** The worker that the recorders write to. */
let recorder: ThreadWorker | undefined;
/** For each module, functions that write down a call instead of making it. */
const recorders: Record<string, Kernel>[] = [];
let functions: number = OWN.first;

/** Calls a function with all kernels replaced by ones that write down their calls for a worker. */
function recordFor(worker: ThreadWorker, thread: number, run: () => void): void {
  for (const { functions: own } of modules.slice(recorders.length)) {
    recorders.push(Object.fromEntries(Object.keys(own).map((name) => [name, recordingKernel(functions++)])));
  }
  [recorder, current] = [worker, thread];
  modules.forEach(({ kernels }, index) => Object.assign(kernels, recorders[index]));
  try {
    run();
  } finally {
    modules.forEach(({ kernels, functions }) => Object.assign(kernels, functions));
    [recorder, current] = [undefined, 0];
  }
}

function recordingKernel(f: number): Kernel {
  return (a, b, c, d, e, g, h, i, j, k, l, m, n, o, p) =>
    recorder!.write(f, a, b, c, d, e, g, h, i, j, k, l, m, n, o, p);
}

/** Writes down a call of the BLAS. */
export const recordSgemm: Kernel = recordingKernel(OWN.sgemm);
