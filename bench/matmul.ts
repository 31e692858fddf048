/**
 * Matrix products: billions of operations per second, beside the peak of 128-bit multiply-adds that a probe measures between
 * the runs, and beside OpenBLAS on one thread and on two where it is installed. Packing is counted.
 *
 *     deno task bench:matmul
 *
 * @module
 */

import { empty, scope, useBlas } from "@unfold/core";
import { gemm, rightOperand } from "@unfold/core/kernels";
import { formatNumber, table } from "../apps/shared/format.ts";
import { median, peak, secondsOf } from "./_measure.ts";

/** m, n, k. */
type Sizes = readonly [number, number, number];

const SQUARES = [32, 64, 128, 256, 512, 1024].map((n): Sizes => [n, n, n]);
/** The recurrences and projections of the workloads. */
const SHAPES: readonly Sizes[] = [...SQUARES, [32, 256, 64], [64, 512, 128], [64, 2048, 512]];
const ROUNDS = 31;

/** A function that computes a product of given sizes again and again, for about a millisecond, and the operations in it. */
function workload([m, n, k]: Sizes): { run: () => void; operations: number } {
  const [a, b, c] = [empty([m, k]), empty([k, n]), empty([m, n])];
  for (const { data } of [a, b]) data.forEach((_, i) => data[i] = (i % 17 - 8) / 8);
  const times = Math.max(1, Math.round(3e7 / (2 * m * n * k)));
  const run = () => {
    for (let i = 0; i < times; i++) {
      using _ = scope();
      const right = rightOperand({ k, n, offset: b.offset, stride: n }, { rows: m });
      gemm({ m, a: a.offset, aStride: k, b: right, c: c.offset, cStride: n });
    }
  };
  return { run, operations: 2 * m * n * k * times };
}

/** Rate of each shape by one way of computing, and as a fraction of the probe's peak just before and after. */
function measure(sizes: Sizes): { rate: number; fraction: number } {
  using _ = scope();
  const { run, operations } = workload(sizes);
  run();
  const rates: number[] = [];
  const fractions: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = peak();
    const rate = operations / secondsOf(run) / 1e9;
    rates.push(rate);
    fractions.push(2 * rate / (before + peak()));
  }
  return { rate: median(rates), fraction: median(fractions) };
}

/** The same by OpenBLAS, or nothing where it cannot be used. */
function measureBlas(threads: number): string[] {
  try {
    using _ = useBlas(undefined, { threads });
    return SHAPES.map((sizes) => formatNumber(Number(measure(sizes).rate.toPrecision(3))));
  } catch (error) {
    console.error((error as Error).message);
    return SHAPES.map(() => "—");
  }
}

for (let i = 0; i < 50; i++) peak();
const ours = SHAPES.map(measure);
const blas = [measureBlas(1), measureBlas(2)];
console.log(`peak of 128-bit multiply-adds: ${formatNumber(median(Array.from({ length: ROUNDS }, peak)))} GFLOP/s\n`);
console.log(table(
  ["m × n × k", "WebAssembly, GFLOP/s", "of the peak", "OpenBLAS, 1 thread", "2 threads"],
  SHAPES.map((sizes, i) => [
    sizes.join(" × "),
    ours[i]!.rate.toFixed(1),
    `${(100 * ours[i]!.fraction).toFixed(0)} %`,
    ...blas.map((column) => column[i]!),
  ]),
));
