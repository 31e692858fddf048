import type { BlasLibrary, blasOpener as BlasOpener } from "./blas_library.ts";

/** Positions in the numbers that the main thread and a worker share, each on a cache line. */
export const CONTROL = {
  /** The number of calls that the main thread has written, modulo 2³². */
  written: 0,
  /** The number of calls that the worker has made. */
  done: 16,
  /** 1 while the worker sleeps. */
  asleep: 32,
  /** 1 while the main thread sleeps. */
  waiting: 48,
  /** The number of calls made that wakes the main thread. */
  target: 49,
  /** The length of the message of a call that failed, or 0. */
  failed: 64,
  /** Where the message starts, one character in each number. */
  message: 65,
  /** All numbers. */
  length: 512,
} as const;

/** The number of calls that fit between the main thread and a worker, a power of two. */
export const CAPACITY = 1024;
/** Numbers of a call: the function, then its arguments. */
export const WIDTH = 16;

/** The numbers of a worker's own functions; those of kernels follow. */
export const OWN = { load: 0, grow: 1, stop: 2, openBlas: 3, sgemm: 4, first: 5 } as const;

/** What a worker needs to start. */
export interface ReplayOptions {
  /** The memory that kernels work on. */
  readonly memory: WebAssembly.Memory;
  /** The shared numbers. */
  readonly control: SharedArrayBuffer;
  /** The calls, {@linkcode CAPACITY} times {@linkcode WIDTH} numbers. */
  readonly calls: SharedArrayBuffer;
  /** The offset of this thread's scratch memory for kernels. */
  readonly scratch: number;
  /** {@linkcode CONTROL}. */
  readonly positions: typeof CONTROL;
  /** Milliseconds to look for new calls before sleeping: waking up takes longer than most pauses within a step. */
  readonly patience: number;
  /** The address of the module that koffi is loaded for, in runtimes that need it for a BLAS. */
  readonly from: string;
}

/**
 * What a worker does: it makes the calls that the main thread writes, in order, until one says stop. It knows kernel modules and
 * numbers, and nothing of layers.
 *
 * The worker's program is the text of this function, so it must not use anything outside itself. Its inner functions are methods,
 * because bundlers wrap other functions in helpers of their own to keep their names.
 *
 * @param blasOpener Opens a BLAS.
 * @param onReady Called when the worker can make calls.
 */
export function replay(options: ReplayOptions, blasOpener: typeof BlasOpener, onReady: () => void): void {
  const { memory, control, calls, scratch, positions, patience, from } = options;
  const { written, done, asleep, waiting, target, failed, message, length } = positions;
  const shared = new Int32Array(control);
  const numbers = new Float64Array(calls);
  const [width, last] = [16, numbers.length / 16 - 1];
  const pieces: number[] = [];
  let blas: BlasLibrary | undefined;
  const worker = {
    isStopped: false,
    load(offset: number, bytes: number, isLast: number): void {
      pieces.push(...new Uint8Array(memory.buffer, offset, bytes));
      if (isLast === 0) return;
      const code = Uint8Array.from(pieces.splice(0));
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } });
      for (const item of Object.values(exports)) if (typeof item === "function") table.push(item as (typeof table)[0]);
      if (exports.scratch instanceof WebAssembly.Global) exports.scratch.value = scratch;
    },
    /** Without growing, kernels here could still believe the memory to have the size from before the main thread grew it. */
    grow(): void {
      memory.grow(0);
    },
    stop(): void {
      worker.isStopped = true;
    },
    /** The path comes as bytes. */
    openBlas(offset: number, bytes: number): void {
      const path = new TextDecoder().decode(new Uint8Array(memory.buffer, offset, bytes).slice());
      blas?.close();
      blas = undefined;
      blas = blasOpener(from).open(path);
    },
    /** Unlike a kernel, a function of a library may refuse more arguments than it has. */
    sgemm(
      order: number,
      transposeA: number,
      transposeB: number,
      m: number,
      n: number,
      k: number,
      alpha: number,
      a: number,
      lda: number,
      b: number,
      ldb: number,
      beta: number,
      c: number,
      ldc: number,
    ): void {
      blas!.sgemm(order, transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    },
    waitForMore(count: number): void {
      const end = performance.now() + patience;
      while (Atomics.load(shared, written) === count) {
        if (performance.now() < end) continue;
        Atomics.store(shared, asleep, 1);
        Atomics.wait(shared, written, count);
        Atomics.store(shared, asleep, 0);
      }
    },
    report(error: unknown): void {
      const text = String(error).slice(0, length - message);
      for (let i = 0; i < text.length; i++) shared[message + i] = text.charCodeAt(i);
      Atomics.store(shared, failed, text.length);
    },
  };
  const table: ((...args: number[]) => unknown)[] = [
    worker.load,
    worker.grow,
    worker.stop,
    worker.openBlas,
    worker.sgemm,
  ];
  onReady();

  for (let count = 0; !worker.isStopped;) {
    if (Atomics.load(shared, written) === count) worker.waitForMore(count);
    const at = (count & last) * width;
    try {
      // A kernel ignores the arguments that it does not have.
      table[numbers[at]!]!(
        numbers[at + 1]!,
        numbers[at + 2]!,
        numbers[at + 3]!,
        numbers[at + 4]!,
        numbers[at + 5]!,
        numbers[at + 6]!,
        numbers[at + 7]!,
        numbers[at + 8]!,
        numbers[at + 9]!,
        numbers[at + 10]!,
        numbers[at + 11]!,
        numbers[at + 12]!,
        numbers[at + 13]!,
        numbers[at + 14]!,
        numbers[at + 15]!,
      );
    } catch (error) {
      worker.report(error);
    }
    count = count + 1 | 0;
    Atomics.store(shared, done, count);
    if (Atomics.load(shared, waiting) === 1 && (count - Atomics.load(shared, target) | 0) >= 0) {
      Atomics.store(shared, waiting, 0);
      Atomics.notify(shared, waiting);
    }
  }
}
