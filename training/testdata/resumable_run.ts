/**
 * A run that can be killed at any moment. It trains a small network with everything that has a state, resumes from the last
 * checkpoint in a folder, and prints a checksum of the weights when it is done.
 *
 *     deno run --allow-read --allow-write training/testdata/resumable_run.ts <folder> [epochs]
 */

import { meanSquaredError } from "@unfold/layers";
import { adam, clipByGlobalNorm, cosineDecay, ema, Optimizer } from "@unfold/optimizers";
import { Checkpoints, consume, earlyStopping, reduceOnPlateau, stopOnSignals, train } from "@unfold/training";
import { hashOf, sineRun } from "./sine_run.ts";

const [folder, epochs] = [Deno.args[0]!, Number(Deno.args[1] ?? 20)];
const { model, batches, validation, random } = sineRun({
  rows: 660,
  batchSize: 16,
  hiddenSize: 24,
  dropout: 0.2,
  recurrentDropout: 0.1,
});
const optimizer = new Optimizer(model.parameters(), [clipByGlobalNorm(1), adam(), ema()], {
  learningRate: cosineDecay(0.01, 400),
  accumulate: 2,
});
const best = earlyStopping(model.parameters());
const plateau = reduceOnPlateau(optimizer, { patience: 1, factor: 0.7 });
const checkpoints = new Checkpoints({
  folder,
  everySteps: 7,
  config: { hidden: 24 },
  parts: { random, best, plateau },
});

using stop = stopOnSignals();
const events = train({
  model,
  optimizer,
  loss: meanSquaredError,
  batches,
  validation,
  epochs,
  checkpoints,
  resume: true,
  signal: stop.signal,
});
const last = await consume(events, plateau, best);
if (last?.type === "done" && last.finished) {
  const averages = optimizer.swap("ema", "average");
  const hash = await hashOf([...Object.entries(model.parameters()), ...best.state()]);
  averages[Symbol.dispose]();
  console.log(hash, optimizer.steps);
} else {
  console.error(`stopped; run the same command to resume from step ${optimizer.steps}`);
  Deno.exit(stop.exitCode);
}
