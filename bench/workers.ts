/**
 * Training on two threads beside one, in turns, on the same batches: from which size of a step on it pays.
 *
 *     deno task bench:workers
 *
 * @module
 */

import { Random, type Tensor, tensor } from "@unfold/core";
import { type Communicator, connect, dataParallel, single } from "@unfold/distributed";
import {
  Dense,
  Embedding,
  LastStep,
  type Layer,
  LSTM,
  meanSquaredError,
  Sequential,
  softmaxCrossEntropy,
} from "@unfold/layers";
import { adam, Optimizer } from "@unfold/optimizers";
import { type Batch, type Loss, train } from "@unfold/training";
import { table } from "../apps/shared/format.ts";
import { median } from "./_measure.ts";
import { loadWorkload, numbers, tokens, type Workload } from "./peers/_workload.ts";

const ROUNDS = 7;
const STEPS = 10;
/** Workloads, and how many times their batch. */
const RUNS = [["tiny", 1], ["stock", 1], ["stock", 2], ["char", 1], ["char", 2]] as const;

/** A run in rounds, each of which returns its seconds and losses. */
function start({ vocabulary, input, hidden, layers, output, time, ...workload }: Workload, communicator: Communicator) {
  const random = new Random(1);
  const isText = vocabulary !== undefined;
  const model = new Sequential([
    ...(isText ? [new Embedding({ vocabularySize: vocabulary, outputSize: input, random })] : []),
    new LSTM({ inputSize: input, hiddenSize: hidden, layers, random }) as Layer,
    ...(isText ? [] : [new LastStep()]),
    new Dense({ inputSize: hidden, outputSize: output, random }),
  ]);
  const draw = (shape: number[], place: number): Tensor => {
    const size = shape.reduce((a, b) => a * b);
    return tensor(isText ? tokens(size, vocabulary, place) : numbers(size, place), { shape }) as Tensor;
  };
  const { batch } = workload;
  const batches: Batch[] = Array.from({ length: STEPS }, (_, i) => ({
    x: draw(isText ? [batch, time] : [batch, time, input], i),
    y: draw(isText ? [batch, time] : [batch, output], 1e6 + i),
  }));
  const loss = (isText ? softmaxCrossEntropy : meanSquaredError) as Loss;
  const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 1e-3 });
  const parallel = dataParallel({ optimizer, communicator });
  return async () => {
    const losses: number[] = [];
    await communicator.barrier();
    const before = performance.now();
    for await (const event of train({ model, optimizer, loss, batches, epochs: 1, parallel })) {
      if (event.type === "step") losses.push(event.loss);
    }
    return { milliseconds: (performance.now() - before) / STEPS, losses };
  };
}

const communicator = await connect({ workers: 2 });
const isFirst = communicator.rank === 0;
const rows: string[][] = [];
for (const [name, times] of RUNS) {
  const workload = await loadWorkload(name);
  const larger = { ...workload, batch: Math.max(2, times * workload.batch) };
  const [alone, together] = [start(larger, single()), start(larger, communicator)];
  const rounds: [one: number, two: number][] = [];
  let difference = 0;
  for (let round = -1; round < ROUNDS; round++) {
    const one = isFirst ? await alone() : undefined;
    const two = await together();
    if (one === undefined) continue;
    two.losses.forEach((loss, step) => difference = Math.max(difference, Math.abs(loss - one.losses[step]!)));
    // The first one warms the engine up.
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
  console.log(table(["workload", "1 thread, ms a step", "2 threads", "times as fast", "losses differ by"], rows));
}
await communicator.close();
