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

/** Billions of operations per second of multiply-adds that touch no memory: what one thread of the engine can do at most. */
export function peak(): number {
  const rounds = 50_000;
  return 96 * rounds / secondsOf(() => coreKernels.multiplyAddPeak(rounds, 0.999, 0.001)) / 1e9;
}
