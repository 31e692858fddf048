/**
 * Training on two threads beside one, with the same batches: the `char` workload at twice its batch.
 *
 *     deno task bench:workers
 *
 * @module
 */

import { Random, tensor } from "@unfold/core";
import { type Communicator, connect, dataParallel, single } from "@unfold/distributed";
import { Dense, Embedding, LSTM, Sequential, softmaxCrossEntropy } from "@unfold/layers";
import { adam, Optimizer } from "@unfold/optimizers";
import { type Batch, train } from "@unfold/training";
import { median } from "./_measure.ts";
import { loadWorkload, tokens } from "./peers/_workload.ts";

const ROUNDS = 7;
const STEPS = 10;

const { batch, time, vocabulary, input, hidden, layers, output } = await loadWorkload(Deno.args[0] ?? "char");
const shape = [2 * batch, time];
const draw = (place: number) => tensor(tokens(shape[0]! * time, vocabulary!, place), { shape });
const batches: Batch<"i32">[] = Array.from({ length: STEPS }, (_, i) => ({ x: draw(i), y: draw(1e6 + i) }));

/** A run in rounds; each returns its seconds and losses. */
function start(communicator: Communicator) {
  const random = new Random(1);
  const model = new Sequential([
    new Embedding({ vocabularySize: vocabulary!, outputSize: input, random }),
    new LSTM({ inputSize: input, hiddenSize: hidden, layers, random }),
    new Dense({ inputSize: hidden, outputSize: output, random }),
  ]);
  const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 1e-3 });
  const parallel = dataParallel({ optimizer, communicator });
  return async () => {
    const losses: number[] = [];
    await communicator.barrier();
    const before = performance.now();
    for await (const event of train({ model, optimizer, loss: softmaxCrossEntropy, batches, epochs: 1, parallel })) {
      if (event.type === "step") losses.push(event.loss);
    }
    return { seconds: (performance.now() - before) / 1000, losses };
  };
}

const communicator = await connect({ workers: 2 });
const isFirst = communicator.rank === 0;
const [alone, together] = [start(single()), start(communicator)];
const rounds: [one: number, two: number][] = [];
let difference = 0;
for (let round = -1; round < ROUNDS; round++) {
  const one = isFirst ? await alone() : undefined;
  const two = await together();
  if (one === undefined) continue;
  two.losses.forEach((loss, step) => difference = Math.max(difference, Math.abs(loss - one.losses[step]!)));
  // The first one warms the engine up.
  if (round >= 0) rounds.push([one.seconds, two.seconds]);
}
if (isFirst) {
  const rate = (which: 0 | 1) => STEPS / median(rounds.map((round) => round[which]));
  const ratios = rounds.map(([one, two]) => one / two).sort((a, b) => a - b);
  console.log(
    `${rate(0).toFixed(2)} steps a second with one thread, ${rate(1).toFixed(2)} with two: ` +
      `${median(ratios).toFixed(2)} times as many (${ratios[0]!.toFixed(2)} to ${ratios.at(-1)!.toFixed(2)}); ` +
      `losses differ by ${difference.toExponential(1)} at most`,
  );
}
await communicator.close();
