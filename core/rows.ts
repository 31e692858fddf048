import { kernels } from "./core_kernels.ts";
import { inShares, LEAST_ELEMENTS, overElements } from "./threads.ts";

/** y[i] += Σ x[r, i] over rows of n elements, on all threads: each sums its own columns. */
export function sumRows(x: number, y: number, rows: number, n: number): void {
  inShares(n, { least: LEAST_ELEMENTS / rows, multiple: 32 }, (from, to) => {
    kernels.sumRows(x + 4 * from, y + 4 * from, rows, 4 * (to - from), 4 * n);
  });
}

/** y[j, i, ·] = x[i, j, ·] for rows of n elements, on all threads: batch-major to time-major and back. */
export function swapAxes(x: number, y: number, first: number, second: number, n: number): void {
  inShares(second, { least: LEAST_ELEMENTS / (first * n) }, (from, to) => {
    kernels.swapAxes(x + 4 * from * n, y + 4 * from * first * n, first, to - from, 4 * second * n, 4 * n);
  });
}

/** Sets n elements to 0, on all threads. */
export function zero(y: number, n: number): void {
  overElements(n, (at, count) => kernels.zero(y + at, 4 * count));
}
