/**
 * A run that can be killed at any moment: trains a small network with everything that has a state, goes on from the last
 * checkpoint in a folder, and prints a checksum of the weights when it is done.
 *
 *     deno run --allow-read --allow-write training/testdata/resumable_run.ts <folder> [epochs]
 */

import { encodeSafetensors, Random } from "@unfold/core";
import { Dense, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
import { adam, clipByGlobalNorm, cosineDecay, ema, Optimizer } from "@unfold/optimizers";
import { Checkpoints, consume, earlyStopping, reduceOnPlateau, stopOnSignals, train, Windows } from "@unfold/training";

const [folder, epochs] = [Deno.args[0]!, Number(Deno.args[1] ?? 20)];
const random = new Random(1);
const dropout = random.split();
const wave = (shift: number) => ({
  data: Float32Array.from({ length: 600 }, (_, t) => Math.sin((t + shift) / 4)),
  columns: 1,
});
const part = { features: wave(0), targets: wave(1), past: 8, batchSize: 16 };
const batches = new Windows({ ...part, to: 500, random: random.split() });
const validation = new Windows({ ...part, from: 520 });
const model = new Sequential([
  new LSTM({ inputSize: 1, hiddenSize: 24, layers: 2, dropout: 0.2, recurrentDropout: 0.1, random: dropout }),
  new LastStep(),
  new Dense({ inputSize: 24, outputSize: 1, random }),
]);
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
  parts: { dropout, best, plateau },
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
  const weights = encodeSafetensors([...Object.entries(model.parameters()), ...best.state()]);
  averages[Symbol.dispose]();
  console.log(new Uint8Array(await crypto.subtle.digest("SHA-256", weights)).toHex(), optimizer.steps);
} else {
  console.error(`stopped; the same command goes on from step ${optimizer.steps}`);
  Deno.exit(stop.exitCode);
}
