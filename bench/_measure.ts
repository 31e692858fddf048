/** Shared by the benchmarks: clocks, statistics, the engine's peak, random inputs and `deno bench` entries. */

import { noGrad, Random, scope, type Tensor, tensor, useBlas, useThreads } from "@unfold/core";
import { coreKernels } from "@unfold/core/kernels";
import { formatNumber } from "../apps/shared/format.ts";

/** Returns the median. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Writes a number with three significant digits. */
export function threeDigits(value: number): string {
  return formatNumber(Number(value.toPrecision(3)));
}

/** Returns how many seconds a function takes. */
export function secondsOf(f: () => void): number {
  const start = performance.now();
  f();
  return (performance.now() - start) / 1000;
}

/** The shortest round in seconds. The clock is too coarse for shorter ones. */
const SHORTEST = 0.02;

/**
 * Returns a function that times one round and returns the seconds per call. First calls `f` twice, to warm it up and to
 * choose the number of calls in a round.
 */
export function roundOf(f: () => void): () => number {
  f();
  const times = Math.max(1, Math.ceil(SHORTEST / secondsOf(f)));
  return () =>
    secondsOf(() => {
      for (let i = 0; i < times; i++) f();
    }) / times;
}

/** Measures the peak of one thread in GFLOP/s: multiply-adds that touch no memory. */
export function peak(): number {
  const rounds = 50_000;
  return 96 * rounds / secondsOf(() => coreKernels.multiplyAddPeak(rounds, 0.999, 0.001)) / 1e9;
}

/** What computes: see `onEngine`. */
export interface EngineOptions {
  readonly blas?: boolean;
  readonly threads?: number;
}

/**
 * Runs a function with OpenBLAS or the WebAssembly kernels, on a number of threads. If OpenBLAS cannot be used, prints the
 * reason and returns `undefined`.
 */
export async function onEngine<T>({ blas = false, threads = 1 }: EngineOptions, run: () => T): Promise<T | undefined> {
  let used: Disposable | undefined;
  try {
    if (blas) used = useBlas();
  } catch (error) {
    console.error((error as Error).message);
    return undefined;
  }
  try {
    await useThreads(threads);
    return run();
  } finally {
    await useThreads(1);
    used?.[Symbol.dispose]();
  }
}

/**
 * Runs a program and returns its standard output.
 *
 * @throws {Error} If the program fails.
 */
export function outputOf(command: string, args: readonly string[], options: { readonly cwd?: string } = {}): string {
  const { success, stdout, stderr } = new Deno.Command(command, { args: [...args], ...options }).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(`Cannot measure: ${command} ${args.join(" ")} must succeed, got ${text(stderr)}`);
  return text(stdout);
}

/** Draws standard normal values. */
export function draw(count: number, seed = 1): Float32Array<ArrayBuffer> {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

/** Draws a persistent tensor of standard normal values. */
export function drawTensor(shape: readonly number[], seed = 1): Tensor {
  return tensor(draw(shape.reduce((a, b) => a * b, 1), seed), { shape, persistent: true });
}

/** Registers a `deno bench` entry that runs in a scope. */
export function ours(name: string, group: string, fn: () => void, { baseline = false, grad = true } = {}): void {
  Deno.bench({
    name,
    group,
    baseline,
    fn: () => {
      using _ = scope();
      if (grad) fn();
      else noGrad(fn);
    },
  });
}

/** Registers a `deno bench` entry whose matrix products use OpenBLAS, if OpenBLAS can be used. */
export function withBlas(name: string, group: string, fn: () => void): void {
  try {
    useBlas()[Symbol.dispose]();
  } catch (error) {
    return console.error((error as Error).message);
  }
  Deno.bench({
    name,
    group,
    fn: (timer) => {
      using _ = useBlas();
      using __ = scope();
      timer.start();
      fn();
      timer.end();
    },
  });
}
