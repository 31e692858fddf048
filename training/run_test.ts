import { memoryStats, Random, tensor } from "@unfold/core";
import { Dense, meanSquaredError } from "@unfold/layers";
import { Optimizer, sgd, skipNonFinite } from "@unfold/optimizers";
import { Checkpoints, type TrainOptions, Windows } from "@unfold/training";
import assert from "node:assert/strict";
import { withFolder } from "../tools/testing.ts";
import { firstEpoch, meanLoss, nextEpoch, Run } from "./_run.ts";
import type { Batch } from "./batch.ts";

function batch(x: number, y = 2 * x): Batch {
  return { x: tensor([[x]]), y: tensor([[y]]) };
}

/** A run of a linear model with a weight of 1 on three batches. */
function setUp(options: Partial<TrainOptions> & { accumulate?: number; skips?: boolean } = {}) {
  const { accumulate = 1, skips = false, ...rest } = options;
  const model = new Dense({ inputSize: 1, outputSize: 1, random: new Random(1) });
  model.weight.data[0] = 1;
  const plugins = skips ? [skipNonFinite(), sgd()] : [sgd()];
  const optimizer = new Optimizer(model.parameters(), plugins, { learningRate: 0.25, accumulate });
  const batches = [batch(1), batch(2), batch(3)];
  return { model, optimizer, run: new Run({ model, optimizer, loss: meanSquaredError, batches, epochs: 2, ...rest }) };
}

Deno.test("progress: the mean loss is over targets, and a new epoch remembers the last one's", () => {
  const progress = { ...firstEpoch(), batches: 3, total: 6, targets: 4 };
  assert.equal(meanLoss(progress), 1.5);
  assert.deepEqual(nextEpoch(progress), { ...firstEpoch(), epoch: 2, before: 1.5 });
  assert.equal(meanLoss(nextEpoch(progress)), 1.5);
  const skipped = { ...firstEpoch(), batches: 3 };
  assert.ok(Number.isNaN(meanLoss(skipped)) && Number.isNaN(meanLoss(firstEpoch())));
  assert.equal(nextEpoch(skipped).before, null);
});

Deno.test("takeStep updates the weights and the progress, and leaves no tensors behind", async () => {
  const { model, run } = setUp();
  const data = batch(1);
  const { ambient } = memoryStats();
  const event = await run.takeStep(data);
  assert.equal(memoryStats().ambient, ambient);
  // The error 1·1 + 0 − 2 is −1, so both gradients are −2 and both parameters grow by 0.5.
  const expected = { type: "step", epoch: 1, step: 1, loss: 1, samples: 1, targets: 1, learningRate: 0.25 };
  assert.deepEqual(event, expected);
  assert.deepEqual([model.weight.item(), model.bias!.item()], [1.5, 0.5]);
  assert.deepEqual(run.progress, { ...firstEpoch(), batches: 1, total: 1, targets: 1 });
  assert.deepEqual(run.lastGood, { loss: 1, norm: Math.sqrt(8) });
});

Deno.test("backPropagate adds gradients and takes no step", async () => {
  const { model, run } = setUp();
  assert.equal(await run.backPropagate(batch(1)), 1);
  await run.backPropagate(batch(1));
  assert.deepEqual([model.weight.item(), model.weight.grad.item()], [1, -4]);
  assert.deepEqual(run.progress, firstEpoch());
});

Deno.test("takeStep refuses a loss that is not finite and clears the gradients, or skips it without counting its loss", async () => {
  const strict = setUp();
  await assert.rejects(
    strict.run.takeStep(batch(NaN)),
    /the loss must be finite, got NaN at step 1 \(the first of this/,
  );
  assert.deepEqual([strict.model.weight.item(), strict.model.weight.grad.item()], [1, 0]);
  const lenient = setUp({ skips: true });
  await lenient.run.takeStep(batch(NaN));
  assert.deepEqual(lenient.run.progress, { ...firstEpoch(), batches: 1 });
  assert.deepEqual([lenient.run.lastGood, lenient.optimizer.skippedSteps], [undefined, 1]);
});

Deno.test("checkWeights names a parameter that is not finite", async () => {
  const { model, run } = setUp();
  await run.checkWeights();
  await run.takeStep(batch(1));
  model.bias!.data[0] = Infinity;
  await assert.rejects(run.checkWeights(), {
    name: "RangeError",
    message: "Cannot continue training: bias must hold finite values, got a norm of Infinity at step 2 " +
      `(a loss of 1 and a gradient norm of ${Math.sqrt(8)} at the step before); try a learning rate below 0.25 ` +
      "or clipByGlobalNorm, or look for bad values in the data",
  });
});

Deno.test("batchesLeft skips the batches already done, unless the batches know their position", async () => {
  const { run } = setUp();
  const inputs = async (left: typeof run) => await Array.fromAsync(left.batchesLeft(), ({ x }) => x.item());
  assert.deepEqual(await inputs(run), [1, 2, 3]);
  run.progress.batches = 2;
  assert.deepEqual(await inputs(run), [3]);
  run.progress.over = true;
  assert.deepEqual(await inputs(run), []);
  const series = { data: Float32Array.of(1, 2, 3), columns: 1 };
  const windows = new Windows({ features: series, targets: series, past: 1, batchSize: 1 });
  const { run: positioned } = setUp({ batches: windows });
  positioned.progress.batches = 2;
  assert.deepEqual(await inputs(positioned), [1, 2, 3]);
});

Deno.test("a checkpoint is due only after a completed step", () =>
  withFolder((folder) => {
    const { run } = setUp({ accumulate: 2, checkpoints: new Checkpoints({ folder, everySteps: 4 }) });
    assert.deepEqual([run.isCheckpointDue(3, 4), run.isCheckpointDue(4, 4), run.isCheckpointDue(4, 5)], [
      true,
      false,
      false,
    ]);
    assert.equal(setUp().run.isCheckpointDue(3, 4), false);
  }));

Deno.test("startOrResume restores what saveCheckpoint saved, also between the batches of a step", () =>
  withFolder(async (folder) => {
    const checkpoints = () => new Checkpoints({ folder });
    const first = setUp({ accumulate: 2, checkpoints: checkpoints() });
    await first.run.startOrResume();
    for (const x of [1, 2, 3]) await first.run.takeStep(batch(x));
    const { path, step } = await first.run.saveCheckpoint();
    assert.deepEqual([path, step], [`${folder}/checkpoint-000000001.safetensors`, 1]);
    const second = setUp({ accumulate: 2, checkpoints: checkpoints(), resume: true });
    await second.run.startOrResume();
    assert.deepEqual([second.run.progress, second.run.lastSaved], [first.run.progress, path]);
    assert.deepEqual(second.model.weight.grad.data, first.model.weight.grad.data);
    await assert.rejects(setUp({ checkpoints: checkpoints() }).run.startOrResume(), /must hold no checkpoints/);
  }));

Deno.test("a run knows that it is stopped from its signal, or from any rank", async () => {
  const stop = new AbortController();
  const { run } = setUp({ signal: stop.signal });
  assert.equal(run.isStopped, false);
  stop.abort();
  assert.equal(run.isStopped, true);
  const parallel = {
    rank: 0,
    size: 2,
    rows: (count: number): [number, number] => [0, count],
    shard: <T>(whole: T) => whole,
    sum: ([loss]: readonly number[]) => Promise.resolve([loss!, 1]),
    sumGradients: () => Promise.resolve(),
    settle: () => Promise.resolve(),
    synchronize: () => Promise.resolve(),
    gather: () => Promise.resolve([]),
  };
  const { run: shared } = setUp({ parallel });
  await shared.takeStep(batch(1));
  assert.equal(shared.isStopped, true);
});
