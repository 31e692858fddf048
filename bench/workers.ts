/**
 * Times training on two threads against one, in alternating rounds on the same batches: how long must a step take for
 * the second thread to pay off?
 *
 *     deno task bench workers
 *
 * @module
 */

import { type Communicator, connect, dataParallel, single } from "@unfold/distributed";
import { adam, Optimizer } from "@unfold/optimizers";
import { train } from "@unfold/training";
import { table } from "../apps/shared/format.ts";
import { median } from "./_measure.ts";
import { loadWorkload, type Workload } from "./peers/_workload.ts";
import { batchOf, lossOf, modelOf } from "./peers/unfold.ts";

const ROUNDS = 7;
const STEPS = 10;
/** Workloads, and the factors that multiply their batch sizes. */
const RUNS = [["tiny", 1], ["stock", 1], ["stock", 2], ["char", 1], ["char", 2]] as const;

/** Sets up a training run, and returns a function that runs one round of it. */
function setUp(workload: Workload, communicator: Communicator) {
  const model = modelOf(workload);
  const loss = lossOf(workload);
  const batches = Array.from({ length: STEPS }, (_, i) => batchOf(workload, i));
  const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 1e-3 });
  const parallel = dataParallel({ optimizer, communicator });
  return async () => {
    const losses: number[] = [];
    await communicator.barrier();
    const start = performance.now();
    for await (const event of train({ model, optimizer, loss, batches, epochs: 1, parallel })) {
      if (event.type === "step") losses.push(event.loss);
    }
    return { milliseconds: (performance.now() - start) / STEPS, losses };
  };
}

const communicator = await connect({ workers: 2 });
const isFirst = communicator.rank === 0;
const rows: string[][] = [];
for (const [name, factor] of RUNS) {
  const workload = await loadWorkload(name);
  const larger = { ...workload, batch: Math.max(2, factor * workload.batch) };
  const [alone, together] = [setUp(larger, single()), setUp(larger, communicator)];
  const rounds: [one: number, two: number][] = [];
  let difference = 0;
  for (let round = -1; round < ROUNDS; round++) {
    const one = isFirst ? await alone() : undefined;
    const two = await together();
    if (one === undefined) continue;
    two.losses.forEach((loss, step) => difference = Math.max(difference, Math.abs(loss - one.losses[step]!)));
    // The first round warms the engine up.
    if (round >= 0) rounds.push([one.milliseconds, two.milliseconds]);
  }
  const ratios = rounds.map(([one, two]) => one / two).sort((a, b) => a - b);
  rows.push([
    `${name}, batch ${larger.batch}`,
    ...([0, 1] as const).map((which) => median(rounds.map((round) => round[which])).toFixed(2)),
    `${median(ratios).toFixed(2)} (${ratios[0]?.toFixed(2)} to ${ratios.at(-1)?.toFixed(2)})`,
    difference.toExponential(1),
  ]);
}
if (isFirst) {
  console.log(
    table(["workload", "1 thread, ms per step", "2 threads", "speed-up", "largest difference of losses"], rows),
  );
}
await communicator.close();
