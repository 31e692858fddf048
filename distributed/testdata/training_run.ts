/**
 * A run on several ranks, with everything that has a state. Each prints its process id at the start and a checksum of its
 * weights at the end, the first one each step's loss.
 *
 *     deno run distributed/testdata/training_run.ts <options as JSON>
 */

import { encodeSafetensors, Random } from "@unfold/core";
import { connect, dataParallel, ownStream } from "@unfold/distributed";
import { Dense, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
import { adam, clipByGlobalNorm, cosineDecay, Optimizer } from "@unfold/optimizers";
import { Checkpoints, consume, earlyStopping, reduceOnPlateau, stopOnSignals, train, Windows } from "@unfold/training";

const options: {
  workers?: number;
  library?: string;
  epochs?: number;
  dropout?: number;
  /** Where checkpoints go; the run is gone on with there. */
  folder?: string;
  /** Milliseconds from step to step. */
  pause?: number;
} = JSON.parse(Deno.args[0] ?? "{}");
const { workers, library, epochs = 3, dropout = 0, folder, pause = 0 } = options;

const communicator = await connect({ timeout: 30, ...(workers && { workers }), ...(library && { library }) });
const { rank } = communicator;
console.log(JSON.stringify({ rank, pid: Deno.pid }));
const random = new Random(1);
const wave = (shift: number) => ({
  data: Float32Array.from({ length: 300 }, (_, t) => Math.sin((t + shift) / 4)),
  columns: 1,
});
const part = { features: wave(0), targets: wave(1), past: 8, batchSize: 24 };
const batches = new Windows({ ...part, to: 225, random: random.split() });
const model = new Sequential([
  new LSTM({ inputSize: 1, hiddenSize: 16, layers: 2, dropout, random }),
  new LastStep(),
  new Dense({ inputSize: 16, outputSize: 1, random }),
]);
const optimizer = new Optimizer(model.parameters(), [clipByGlobalNorm(1), adam()], {
  learningRate: cosineDecay(0.01, 400),
});
ownStream(random, communicator);
const best = earlyStopping(model.parameters());
const plateau = reduceOnPlateau(optimizer, { patience: 1, factor: 0.7 });

using stop = stopOnSignals();
const events = train({
  model,
  optimizer,
  loss: meanSquaredError,
  batches,
  validation: new Windows({ ...part, from: 240 }),
  epochs,
  signal: stop.signal,
  parallel: dataParallel({ optimizer, communicator, verifyEvery: 10 }),
  resume: folder !== undefined,
  ...(folder && { checkpoints: new Checkpoints({ folder, everySteps: 5, parts: { random, best, plateau } }) }),
});
const last = await consume(events, plateau, best, async (event) => {
  if (event.type !== "step") return;
  if (rank === 0) console.log(JSON.stringify({ step: event.step, loss: event.loss }));
  if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
});
const weights = encodeSafetensors([...Object.entries(model.parameters()), ...best.state(), ...optimizer.state()]);
const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", weights)).toHex();
const finished = last?.type === "done" && last.finished;
console.log(JSON.stringify({ rank, size: communicator.size, finished, steps: optimizer.steps, hash }));
await communicator.close();
if (!finished) Deno.exit(stop.exitCode ?? 143);
