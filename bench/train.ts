/**
 * What `train()` costs beside the loop written by hand, on the stock workload: its events, its checks of loss and gradients.
 *
 *     deno task bench:train
 *
 * @module
 */

import { Random, scope, tensor } from "@unfold/core";
import { Dense, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
import { adam, clipByGlobalNorm, Optimizer } from "@unfold/optimizers";
import { type Batch, train } from "@unfold/training";
import { median } from "./_measure.ts";

const ROUNDS = 21;
const STEPS = 50;

const random = new Random(1);
const draw = (...shape: number[]) =>
  tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()), { shape });
const batches: Batch[] = Array.from({ length: STEPS }, () => ({ x: draw(32, 30, 8), y: draw(32, 1) }));

function setUp() {
  const model = new Sequential([
    new LSTM({ inputSize: 8, hiddenSize: 64, random }),
    new LastStep(),
    new Dense({ inputSize: 64, outputSize: 1, random }),
  ]);
  const optimizer = new Optimizer(model.parameters(), [clipByGlobalNorm(1), adam()], { learningRate: 1e-3 });
  return { model, optimizer, loss: meanSquaredError };
}

const [byHand, byTrain] = [setUp(), setUp()];

async function secondsOf(f: () => void | Promise<void>): Promise<number> {
  const start = performance.now();
  await f();
  return (performance.now() - start) / 1000;
}

function loop(): void {
  const { model, optimizer, loss } = byHand;
  for (const { x, y } of batches) {
    using _ = scope();
    loss(model.forward(x), y).backward();
    optimizer.step();
  }
}

async function events(): Promise<void> {
  for await (const _ of train({ ...byTrain, batches, epochs: 1 }));
}

loop();
await events();
const rounds: [number, number][] = [];
for (let i = 0; i < ROUNDS; i++) {
  // Each comes first as often as the other.
  const pair: [number, number] = [NaN, NaN];
  for (const which of i % 2 === 0 ? [0, 1] : [1, 0]) pair[which] = await secondsOf(which === 0 ? loop : events);
  rounds.push(pair);
}
const [hand, trained] = [0, 1].map((which) => 1000 * median(rounds.map((round) => round[which]!)) / STEPS) as [
  number,
  number,
];
const ratio = median(rounds.map(([hand, trained]) => trained / hand));
console.log(
  `by hand ${hand.toFixed(3)} ms a step, train() ${trained.toFixed(3)} ms; the median ratio is ${ratio.toFixed(3)}`,
);
