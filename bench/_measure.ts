import { coreKernels } from "@unfold/core/kernels";

/** The middle of a list of numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Seconds that a function takes. */
export function secondsOf(f: () => void): number {
  const start = performance.now();
  f();
  return (performance.now() - start) / 1000;
}

/** Seconds that a round should last at least, so that the clock is fine enough. */
const LEAST = 0.02;

/** A round that gives the seconds of a call of a function, over as many calls as the clock needs; the first ones are made here. */
export function roundOf(f: () => void): () => number {
  f();
  const times = Math.max(1, Math.ceil(LEAST / secondsOf(f)));
  return () =>
    secondsOf(() => {
      for (let i = 0; i < times; i++) f();
    }) / times;
}

/** Billions of operations per second of multiply-adds that touch no memory: what one thread of the engine can do at most. */
export function peak(): number {
  const rounds = 50_000;
  return 96 * rounds / secondsOf(() => coreKernels.multiplyAddPeak(rounds, 0.999, 0.001)) / 1e9;
}
