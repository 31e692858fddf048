/**
 * Times matrix products in GFLOP/s, against the peak of 128-bit multiply-adds, measured between the runs, and against OpenBLAS,
 * each on one and two threads. Times include packing.
 *
 *     deno task bench matmul
 *
 * @module
 */

import { empty, scope } from "@unfold/core";
import { gemm, rightOperand } from "@unfold/core/kernels";
import { formatNumber, table } from "../apps/shared/format.ts";
import { type EngineOptions, median, onEngine, peak, secondsOf, threeDigits } from "./_measure.ts";

/** m, n, k. */
type Sizes = readonly [number, number, number];

const SQUARES = [32, 64, 128, 256, 512, 1024].map((n): Sizes => [n, n, n]);
/** Squares, and the recurrent products of the workloads. */
const SHAPES: readonly Sizes[] = [...SQUARES, [32, 256, 64], [64, 512, 128], [64, 2048, 512]];
const ROUNDS = 31;

/** Returns a function that repeats a product for about a millisecond, and the number of its operations. */
function repeated([m, n, k]: Sizes): { run: () => void; operations: number } {
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

/** Times a product: GFLOP/s, and the fraction of the peak measured just before and after. */
function measure(sizes: Sizes): { rate: number; fraction: number } {
  using _ = scope();
  const { run, operations } = repeated(sizes);
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

/** Times all products on an engine, if it can be used. */
function ratesOn(options: EngineOptions): Promise<string[] | undefined> {
  return onEngine(options, () => SHAPES.map((sizes) => threeDigits(measure(sizes).rate)));
}

for (let i = 0; i < 50; i++) peak();
const ours = SHAPES.map(measure);
const others = [
  await ratesOn({ threads: 2 }),
  await ratesOn({ blas: true }),
  await ratesOn({ blas: true, threads: 2 }),
];
console.log(`peak of 128-bit multiply-adds: ${formatNumber(median(Array.from({ length: ROUNDS }, peak)))} GFLOP/s\n`);
console.log(table(
  ["m × n × k", "WebAssembly, GFLOP/s", "of peak", "2 threads", "OpenBLAS", "2 threads"],
  SHAPES.map((sizes, i) => [
    sizes.join(" × "),
    ours[i]!.rate.toFixed(1),
    `${(100 * ours[i]!.fraction).toFixed(0)} %`,
    ...others.map((column) => column?.[i] ?? "—"),
  ]),
));
