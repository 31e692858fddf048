import { defineOp, full, memoryStats, Random, type Tensor, tensor } from "@unfold/core";
import { Dense, LastStep, type Layer, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
import { adam, Optimizer, sgd, skipNonFinite } from "@unfold/optimizers";
import assert from "node:assert/strict";
import type { Batch } from "./batch.ts";
import { Windows } from "./data/windows.ts";
import { evaluate } from "./evaluate.ts";
import type { TrainEvent } from "./events.ts";
import { predict } from "./predict.ts";
import { train } from "./train.ts";

function line(): Batch {
  return { x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) };
}

function setup(learningRate = 0.1) {
  const model = new Dense({ inputSize: 1, outputSize: 1, random: new Random(1) });
  return { model, optimizer: new Optimizer(model.parameters(), [sgd()], { learningRate }), loss: meanSquaredError };
}

async function collect(events: AsyncIterable<TrainEvent>): Promise<TrainEvent[]> {
  return await Array.fromAsync(events);
}

Deno.test("train yields a step event per batch, validation and epoch events per epoch, and a done event", async () => {
  const events = await collect(train({ ...setup(), batches: [line(), line()], validation: [line()], epochs: 2 }));
  assert.deepEqual(
    events.map((event) => [event.type, event.epoch, event.step]),
    [
      ["step", 1, 1],
      ["step", 1, 2],
      ["validation", 1, 2],
      ["epoch", 1, 2],
      ["step", 2, 3],
      ["step", 2, 4],
      ["validation", 2, 4],
      ["epoch", 2, 4],
      ["done", 2, 4],
    ],
  );
  const epoch = events[3]!;
  assert.ok(epoch.type === "epoch" && epoch.validationLoss! > 0);
  assert.equal(epoch.loss, (events[0]!.loss + events[1]!.loss) / 2);
});

Deno.test("train gives the same weights as a hand-written loop, bit for bit", async () => {
  const [a, b] = [setup(), setup()];
  for await (const _ of train({ ...a, batches: [line()], epochs: 5 }));
  for (let i = 0; i < 5; i++) {
    const { x, y } = line();
    meanSquaredError(b.model.forward(x as Tensor), y).backward();
    b.optimizer.step();
  }
  assert.deepEqual(a.model.weight.data, b.model.weight.data);
});

Deno.test("train accepts asynchronous batches", async () => {
  const batches = {
    async *[Symbol.asyncIterator]() {
      yield await Promise.resolve(line());
    },
  };
  const events = await collect(train({ ...setup(), batches, epochs: 3 }));
  assert.equal(events.at(-1)!.step, 3);
});

Deno.test("a loss that is not finite stops training and leaves the parameters as they were", async () => {
  const state = setup(1e30);
  const before: Float32Array[] = [];
  await assert.rejects(async () => {
    for await (const event of train({ ...state, batches: [line()], epochs: 100 })) {
      if (event.type === "step") before.push(state.model.weight.data.slice());
    }
  }, {
    name: "RangeError",
    message:
      /^Cannot continue training: the loss must be finite, got (Infinity|NaN) at step \d+ \(a loss of .* at the step before\); try a learning rate below 1e\+30/,
  });
  assert.deepEqual(state.model.weight.data, before.at(-1));
});

Deno.test("a gradient that is not finite stops training and leaves the parameters as they were, even if the loss is finite", async () => {
  const state = setup();
  const before = state.model.weight.data.slice();
  const loss = defineOp("spoilt", (prediction: Tensor, _target: Tensor) => ({
    inputs: [prediction],
    output: tensor(1),
    backward: () => [full(prediction.shape, NaN)],
  }));
  await assert.rejects(collect(train({ ...state, loss, batches: [line()], epochs: 1 })), {
    message:
      /^Cannot continue training: the gradients must be finite, got a norm of NaN at a loss of 1 at step 1 \(the first of this run\)/,
  });
  assert.deepEqual(state.model.weight.data, before);
  const again = new Optimizer(state.model.parameters(), [sgd()], { learningRate: 0.01 });
  await collect(train({ ...state, optimizer: again, batches: [line()], epochs: 1 }));
  assert.notDeepEqual(state.model.weight.data, before);
});

Deno.test("zero epochs, empty batches and one-shot generators are refused", async () => {
  const none = { ...setup(), epochs: 1 };
  await assert.rejects(
    collect(train({ ...none, batches: [line()], epochs: 0 })),
    /epochs must be an integer of 1 or more, got 0/,
  );
  await assert.rejects(collect(train({ ...none, batches: [] })), /got none in epoch 1/);
  const once = (function* () {
    yield line();
  })();
  await assert.rejects(collect(train({ ...none, batches: once, epochs: 2 })), /got none in epoch 2; a generator gives/);
  await assert.rejects(evaluate(none.model, { loss: meanSquaredError, batches: [] }), /at least one batch/);
});

Deno.test("the same seed gives the same losses, and training holds memory constant", async () => {
  const series = { data: Float32Array.from({ length: 300 }, (_, t) => Math.sin(t / 5)), columns: 1 };
  const run = async (epochs: number) => {
    const random = new Random(9);
    const model = new Sequential([
      new LSTM({ inputSize: 1, hiddenSize: 6, random }),
      new LastStep(),
      new Dense({ inputSize: 6, outputSize: 1, random }),
    ]);
    const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 1e-3 });
    const batches = new Windows({ features: series, targets: series, past: 8, batchSize: 50, random });
    const stats: ReturnType<typeof memoryStats>[] = [];
    const losses: number[] = [];
    for await (const event of train({ model, optimizer, loss: meanSquaredError, batches, epochs })) {
      losses.push(event.loss);
      if (event.type === "epoch") stats.push(memoryStats());
    }
    return { losses, stats };
  };
  const [a, b] = [await run(4), await run(4)];
  assert.deepEqual(a.losses, b.losses);
  assert.deepEqual(a.stats[3], a.stats[1]);
});

Deno.test("predict keeps nothing in memory but its result", () => {
  const { model } = setup();
  const x = tensor([[1], [2]]);
  predict(model, x).dispose();
  const before = memoryStats();
  const y = predict(model, x);
  assert.equal(y.requiresGrad, false);
  y.dispose();
  assert.deepEqual(memoryStats(), before);
});

Deno.test("with skipNonFinite a bad batch is skipped, and its loss does not count in the epoch's", async () => {
  const model = new Dense({ inputSize: 1, outputSize: 1, random: new Random(1) });
  const optimizer = new Optimizer(model.parameters(), [skipNonFinite(), sgd()], { learningRate: 0.1 });
  const bad = { x: tensor([[NaN]]), y: tensor([[1]]) };
  const batches = [line(), bad, line()];
  const events = await collect(train({ model, optimizer, loss: meanSquaredError, batches, epochs: 1 }));
  assert.deepEqual(events.map(({ type, step }) => [type, step]), [["step", 1], ["step", 1], ["step", 2], ["epoch", 2], [
    "done",
    2,
  ]]);
  assert.equal(events[3]!.loss, (events[0]!.loss + events[2]!.loss) / 2);
  assert.equal(optimizer.skippedSteps, 1);
  assert.ok(model.weight.data.every(Number.isFinite));
});

Deno.test("train and evaluate reset the model when sequences start, and train also after a skipped step", async () => {
  const { model, loss } = setup();
  const optimizer = new Optimizer(model.parameters(), [skipNonFinite(), sgd()], { learningRate: 0.01 });
  let resets = 0;
  const told: Layer = {
    forward: (x) => model.forward(x as Tensor),
    parameters: () => model.parameters(),
    reset: () => void resets++,
  };
  const batches = [{ ...line(), first: true }, line(), { ...line(), first: true }];
  const run = async (batches: Batch[]) => {
    resets = 0;
    await collect(train({ model: told, optimizer, loss, batches, epochs: 1 }));
    return resets;
  };
  assert.equal(await run(batches), 2);
  assert.equal(await run([line(), { x: tensor([[NaN]]), y: tensor([[1]]) }, line()]), 1);
  resets = 0;
  await evaluate(told, { loss, batches });
  assert.equal(resets, 2);
});

Deno.test("losses are weighted by the number of targets", async () => {
  const { model, loss } = setup();
  const large: Batch = { x: tensor([[[1], [2]], [[3], [4]]]), y: tensor([[[1], [2]], [[3], [4]]]) };
  const small: Batch = { x: tensor([[[5]], [[6]]]), y: tensor([[[0]], [[0]]]) };
  const [a, b] = [await evaluate(model, { loss, batches: [large] }), await evaluate(model, { loss, batches: [small] })];
  assert.equal(await evaluate(model, { loss, batches: [large, small] }), (4 * a + 2 * b) / 6);
  const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0 });
  const events = await collect(train({ model, optimizer, loss, batches: [large, small], epochs: 1 }));
  assert.equal(events.at(-1)!.loss, (4 * a + 2 * b) / 6);
});
