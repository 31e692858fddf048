/**
 * A run on several ranks, with everything that has a state. Each rank prints its process id at the start and a checksum of its
 * weights at the end. Rank 0 prints the loss of each step.
 *
 *     deno run distributed/testdata/training_run.ts <options as JSON>
 */

import { connect, dataParallel, ownStream } from "@unfold/distributed";
import { meanSquaredError } from "@unfold/layers";
import { adam, clipByGlobalNorm, cosineDecay, Optimizer } from "@unfold/optimizers";
import { Checkpoints, consume, earlyStopping, reduceOnPlateau, stopOnSignals, train } from "@unfold/training";
import { hashOf, sineRun } from "../../training/testdata/sine_run.ts";

const options: {
  library?: string;
  epochs?: number;
  dropout?: number;
  /** The folder to write checkpoints to and resume from. */
  folder?: string;
  /** Milliseconds to wait after each step. */
  pause?: number;
} = JSON.parse(Deno.args[0] ?? "{}");
const { library, epochs = 3, dropout = 0, folder, pause = 0 } = options;

const communicator = await connect({ timeout: 30, ...(library && { library }) });
const { rank } = communicator;
console.log(JSON.stringify({ rank, pid: Deno.pid }));
const { model, batches, validation, random } = sineRun({ rows: 300, batchSize: 24, hiddenSize: 16, dropout });
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
  validation,
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
const hash = await hashOf([...Object.entries(model.parameters()), ...best.state(), ...optimizer.state()]);
const finished = last?.type === "done" && last.finished;
console.log(JSON.stringify({ rank, size: communicator.size, finished, steps: optimizer.steps, hash }));
await communicator.close();
if (!finished) Deno.exit(stop.exitCode ?? 143);
