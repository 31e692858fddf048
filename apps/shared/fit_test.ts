import { Random, tensor } from "@unfold/core";
import { Dense, meanSquaredError } from "@unfold/layers";
import { adam } from "@unfold/optimizers";
import { type Batch, evaluate, type TrainEvent } from "@unfold/training";
import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { fit, type FitRun } from "./fit.ts";

/** Batches of the line y = slope·x. */
function line(slope: number, count: number): Batch[] {
  return Array.from({ length: count }, (_, i) => ({
    x: tensor([[i], [i + 1]]),
    y: tensor([[slope * i], [slope * (i + 1)]]),
  }));
}

const BATCHES = line(3, 5);
/** On its way to the slope of the training part, the weight passes the slope of this part. */
const VALIDATION = line(1, 2);

async function run(options: Partial<FitRun> & { epochs?: number; steps?: number } = {}) {
  const network = new Dense({ inputSize: 1, outputSize: 1, random: new Random(2) });
  const events: TrainEvent[] = [];
  const result = await fit(network, {
    optimizer: adam(),
    onEvent: (event) => void events.push(event),
    loss: meanSquaredError,
    batches: BATCHES,
    batchesPerEpoch: BATCHES.length,
    validation: VALIDATION,
    epochs: 8,
    learningRate: 0.3,
    clip: 10,
    ...options,
  });
  return { network, events, result };
}

Deno.test("fit ends with the weights of the epoch with the smallest validation loss", async () => {
  const { network, result } = await run();
  const losses = result!.history.map(({ validationLoss }) => validationLoss!);
  assert.equal(losses.length, 8);
  assert.equal(result!.validationLoss, Math.min(...losses));
  assert.ok(result!.bestEpoch < 8 && losses[result!.bestEpoch - 1] === result!.validationLoss);
  assert.equal(await evaluate(network, { loss: meanSquaredError, batches: VALIDATION }), result!.validationLoss);
});

for (const [steps, epochs] of [[3, 1], [5, 1], [12, 3], [40, 8], [99, 8]] as const) {
  Deno.test(`fit stops after ${steps} of 40 steps at most, and the learning rate has then fallen to almost 0`, async () => {
    const { network, events, result } = await run({ steps });
    assert.deepEqual([result!.steps, result!.history.length], [Math.min(steps, 40), epochs]);
    const rates = events.flatMap((event) => event.type === "step" ? [event.learningRate] : []);
    rates.forEach((rate, i) =>
      assert.ok(Math.abs(rate - 0.15 * (1 + Math.cos(Math.PI * i / rates.length))) < 1e-7, `${i}: ${rate}`)
    );
    assert.equal(await evaluate(network, { loss: meanSquaredError, batches: VALIDATION }), result!.validationLoss);
  });
}

Deno.test("a stopped fit returns undefined; resuming it gives the same weights, bit for bit", () =>
  withFolder(async (folder) => {
    const whole = await run();
    const controller = new AbortController();
    const stopped = await run({
      folder,
      signal: controller.signal,
      onEvent: ({ step }) => step === 17 ? controller.abort() : undefined,
    });
    assert.equal(stopped.result, undefined);
    const resumed = await run({ folder, resume: true });
    assert.deepEqual(resumed.result!.history, whole.result!.history);
    assert.deepEqual(resumed.network.weight.data, whole.network.weight.data);
    await assert.rejects(() => run({ folder, resume: true, config: { seed: 2 } }), /seed/);
  }));
