/**
 * Shows where the time of a training step goes on each workload of `peers/workloads.json`: the share of matrix products, packing,
 * gates, sums, loss, optimizer and JavaScript, and the rate of the products beside the machine's limit. Prints a section of
 * bench/RESULTS.md.
 *
 *     deno task bench breakdown
 *
 * @module
 */

// First, because it wraps the kernels that the other modules load.
import { type KernelTimes, kernelTimes, type Part, PARTS } from "./_kernel_times.ts";
import { empty, scope } from "@unfold/core";
import { gemm, rightOperand } from "@unfold/core/kernels";
import { adam, Optimizer } from "@unfold/optimizers";
import { median, onEngine, peak, secondsOf, threeDigits } from "./_measure.ts";
import { loadWorkloads, type Workload } from "./peers/_workload.ts";
import { batchOf, lossOf, modelOf } from "./peers/unfold.ts";

/** Seconds for each workload and engine, and the least number of steps. */
const [SECONDS, LEAST] = [0.6, 4];

/** Where the time of a step goes. */
interface Breakdown {
  readonly step: number;
  readonly parts: Readonly<Record<Part, number>>;
  readonly operations: number;
}

/** Times steps as they are and steps with a clock around each kernel, in turns. */
function measure(workload: Workload): Breakdown {
  using _ = scope();
  const model = modelOf(workload);
  const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 1e-3 });
  const { x, y } = batchOf(workload);
  const loss = lossOf(workload);
  const step = () => {
    using _ = scope();
    loss(model.forward(x), y).backward();
    optimizer.step();
  };
  step();
  const start = performance.now();
  const steps: number[] = [];
  const timed: KernelTimes[] = [];
  while (steps.length < LEAST || performance.now() - start < 1000 * SECONDS) {
    steps.push(1000 * secondsOf(step));
    timed.push(kernelTimes(step));
  }
  const parts = PARTS.map((part) => [part, median(timed.map(({ milliseconds }) => milliseconds[part]))] as const);
  return {
    step: median(steps),
    parts: Object.fromEntries(parts) as Record<Part, number>,
    operations: timed[0]!.operations,
  };
}

/** GFLOP/s of a product of 512 × 512 matrices. */
function productRate(): number {
  using _ = scope();
  const [a, b, c] = [empty([512, 512]), empty([512, 512]), empty([512, 512])];
  for (const { data } of [a, b]) data.fill(0.5);
  const rates = Array.from({ length: 15 }, () => {
    using _ = scope();
    const right = rightOperand({ k: 512, n: 512, offset: b.offset, stride: 512 });
    return 2 * 512 ** 3 / 1e9 /
      secondsOf(() => gemm({ m: 512, a: a.offset, aStride: 512, b: right, c: c.offset, cStride: 512 }));
  });
  return Math.max(...rates);
}

const workloads = await loadWorkloads();
const limits: string[] = [];

/** Measures all workloads on an engine whose products reach at most `limit` GFLOP/s. */
function rowsOf(engine: string, limit: number): string[][] {
  limits.push(`${engine} ${threeDigits(limit)} GFLOP/s`);
  return workloads.map((workload) => {
    const { step, parts, operations } = measure(workload);
    const share = (milliseconds: number) => `${(100 * milliseconds / step).toFixed(0)} %`;
    const rest = step - PARTS.reduce((sum, part) => sum + parts[part], 0);
    const floor = operations / limit / 1e6;
    return [
      workload.name,
      engine,
      threeDigits(step),
      ...PARTS.map((part) => share(parts[part])),
      share(Math.max(0, rest)),
      threeDigits(operations / parts.products / 1e6),
      threeDigits(floor),
      `${(step / floor).toPrecision(2)}×`,
    ];
  });
}

for (let i = 0; i < 50; i++) peak();
const rows = [rowsOf("WebAssembly", Math.max(...Array.from({ length: 31 }, peak)))];
const withBlas = await onEngine({ blas: true }, () => rowsOf("OpenBLAS", productRate()));
if (withBlas !== undefined) rows.push(withBlas);
const head = ["", "engine", "ms", ...PARTS, "JavaScript", "GFLOP/s", "floor, ms", "step ÷ floor"];
const sorted = workloads.flatMap((_, i) => rows.map((engine) => engine[i]!));
console.log(`## Where the time of a training step goes

Shares of a step of Unfold: matrix products, packing and copying of their operands, gates, sums of gradients and embeddings, the loss
and its gradient, Adam, and JavaScript with all that is outside the kernels. "GFLOP/s" is the rate inside the products. The floor is
the time of the products alone at the limit measured in the same run: 128-bit multiply-adds that touch no memory for WebAssembly, a
product of 512 × 512 matrices for OpenBLAS (${limits.join("; ")}). All on one thread.

${[head, head.map(() => "---"), ...sorted].map((row) => `| ${row.join(" | ")} |`).join("\n")}`);
