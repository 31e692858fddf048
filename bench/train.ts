/**
 * Times `train()` against a hand-written loop on the `stock` workload: the cost of its events and of checking losses
 * and gradients.
 *
 *     deno task bench train
 *
 * @module
 */

import { scope } from "@unfold/core";
import { adam, clipByGlobalNorm, Optimizer } from "@unfold/optimizers";
import { train } from "@unfold/training";
import { median } from "./_measure.ts";
import { loadWorkload } from "./peers/_workload.ts";
import { batchOf, lossOf, modelOf } from "./peers/unfold.ts";

const ROUNDS = 21;
const STEPS = 50;

const workload = await loadWorkload("stock");
const loss = lossOf(workload);
const batches = Array.from({ length: STEPS }, (_, i) => batchOf(workload, 10_000 * i));

function setUp() {
  const model = modelOf(workload);
  const optimizer = new Optimizer(model.parameters(), [clipByGlobalNorm(1), adam()], { learningRate: 1e-3 });
  return { model, optimizer, loss };
}

const [byHand, byTrain] = [setUp(), setUp()];

function loop(): Promise<void> {
  const { model, optimizer } = byHand;
  for (const { x, y } of batches) {
    using _ = scope();
    loss(model.forward(x), y).backward();
    optimizer.step();
  }
  return Promise.resolve();
}

async function events(): Promise<void> {
  for await (const _ of train({ ...byTrain, batches, epochs: 1 }));
}

/** Milliseconds of a step. */
async function timeOf(f: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await f();
  return (performance.now() - start) / STEPS;
}

await loop();
await events();
const rounds: { readonly hand: number; readonly trained: number }[] = [];
for (let i = 0; i < ROUNDS; i++) {
  // They take turns going first.
  const early = i % 2 === 0 ? await timeOf(loop) : undefined;
  const trained = await timeOf(events);
  rounds.push({ hand: early ?? await timeOf(loop), trained });
}
const hand = median(rounds.map(({ hand }) => hand)).toFixed(3);
const trained = median(rounds.map(({ trained }) => trained)).toFixed(3);
const ratio = median(rounds.map(({ hand, trained }) => trained / hand)).toFixed(3);
console.log(`by hand ${hand} ms per step, train() ${trained} ms; median ratio ${ratio}`);
