import { defineOp, full, memoryStats, Random, type Tensor, tensor } from "@unfold/core";
import { Dense, LastStep, type Layer, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
import { adam, Optimizer, sgd, skipNonFinite } from "@unfold/optimizers";
import assert from "node:assert/strict";
import type { Batch } from "./batch.ts";
import { Windows } from "./data/windows.ts";
import { evaluate } from "./evaluate.ts";
import { consume } from "./consumers/consume.ts";
import type { TrainEvent } from "./events.ts";
import { predict } from "./predict.ts";
import { train } from "./train.ts";

function line(): Batch {
  return { x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) };
}

function setup({ learningRate = 0.1, accumulate = 1, plugins = [sgd()] }: {
  learningRate?: number;
  accumulate?: number;
  plugins?: ConstructorParameters<typeof Optimizer>[1];
} = {}) {
  const model = new Dense({ inputSize: 1, outputSize: 1, random: new Random(1) });
  return {
    model,
    optimizer: new Optimizer(model.parameters(), plugins, { learningRate, accumulate }),
    loss: meanSquaredError,
  };
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
  const state = setup({ learningRate: 1e30 });
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
  await collect(train({ ...state, batches: [line()], epochs: 1 }));
  assert.notDeepEqual(state.model.weight.data, before);
});

Deno.test("zero epochs, empty batches and one-shot generators are refused", async () => {
  const none = { ...setup(), epochs: 1 };
  assert.throws(
    () => train({ ...none, batches: [line()], epochs: 0 }),
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

Deno.test("train starts from zero gradients, whatever was left in them", async () => {
  for (const accumulate of [1, 2]) {
    const run = async (spoil: boolean) => {
      const { model, optimizer, loss } = setup({ accumulate });
      if (spoil) {
        meanSquaredError(model.forward(line().x as Tensor), line().y).backward();
        if (accumulate === 2) optimizer.step();
      }
      await collect(train({ model, optimizer, loss, batches: [line(), line()], epochs: 2 }));
      return model.weight.data;
    };
    assert.deepEqual(await run(true), await run(false));
  }
});

Deno.test("after an exception in a step a second attempt equals a first", async () => {
  for (const where of ["forward", "loss", "later", "consumer", "batches"]) {
    for (const accumulate of [1, 2]) {
      const make = () => ({ ...setup({ accumulate, plugins: [sgd({ momentum: 0.9 })] }), epochs: 2 });
      const [first, second] = [make(), make()];
      await collect(train({ ...first, batches: [line(), line()] }));
      let fails = true;
      const fail = () => {
        if (fails) throw new Error("enough");
      };
      const broken: Layer = {
        parameters: () => second.model.parameters(),
        forward(x) {
          if (where === "forward") fail();
          return second.model.forward(x as Tensor);
        },
      };
      const loss = defineOp("broken", (prediction: Tensor, target: Tensor) => {
        if (where === "loss") fail();
        return {
          inputs: [prediction, target],
          output: meanSquaredError(prediction, target),
          backward: () => {
            fail();
            return [];
          },
        };
      });
      const batches = function* () {
        if (where === "batches") {
          if (accumulate === 2) yield line();
          fail();
        }
        yield line();
      };
      // "consumer" leaves in the middle of a group, the others throw in its first or second batch.
      const attempt = async () => {
        const events = train({
          ...second,
          model: broken,
          loss: where === "later" ? loss : meanSquaredError,
          batches: { [Symbol.iterator]: batches },
        });
        for await (const _ of events) if (where === "consumer" && accumulate === 2) fail();
        fail();
      };
      await assert.rejects(attempt(), /enough/);
      if (second.optimizer.steps > 0) continue;
      fails = false;
      assert.equal(second.optimizer.gradientNorm, 0);
      await collect(train({ ...second, batches: [line(), line()] }));
      assert.deepEqual(second.model.weight.data, first.model.weight.data);
    }
  }
});

Deno.test("an aborted signal takes no step", async () => {
  const state = setup();
  const before = state.model.weight.data.slice();
  const options = { ...state, batches: [line()], epochs: 3 };
  const events = await collect(train({ ...options, signal: AbortSignal.abort() }));
  assert.deepEqual(events, [{ type: "done", epoch: 1, step: 0, loss: NaN, finished: false }]);
  assert.deepEqual(state.model.weight.data, before);
  const controller = new AbortController();
  const seen: string[] = [];
  for await (const event of train({ ...options, signal: controller.signal })) {
    seen.push(`${event.type} ${event.step}`);
    if (event.type === "epoch") controller.abort();
  }
  assert.deepEqual(seen, ["step 1", "epoch 1", "done 1"]);
});

Deno.test("await train() is an error that says how to train", async () => {
  const options = { ...setup(), batches: [line()], epochs: 1 };
  const wrong: () => Promise<unknown> = async () => await (train(options) as unknown as Promise<unknown>);
  await assert.rejects(wrong, {
    name: "TypeError",
    message: "Cannot await train(): it must be iterated over, which is what trains; write for await (const event of " +
      "train(…)), or await consume(train(…))",
  });
  assert.equal((await consume(train(options)))?.type, "done");
});

Deno.test("train checks its options when it is called", () => {
  const [own, other] = [setup(), setup()];
  const options = { ...own, batches: [line()], epochs: 1 };
  const refuse = (changes: object, message: string | RegExp) =>
    assert.throws(() => train({ ...options, ...changes }), { name: "TypeError", message });
  refuse(
    { optimizer: other.optimizer },
    "Cannot train: the optimizer must hold the model's parameters, got the optimizer of another model, or one whose parameters " +
      "a later optimizer has taken over; make it with new Optimizer(model.parameters(), …)",
  );
  const iterable = "must be an array or another iterable of batches, got";
  refuse({ batches: line() }, `Cannot train: batches ${iterable} a single batch; put it into an array`);
  refuse({ batches: undefined }, `Cannot train: batches ${iterable} undefined`);
  refuse({ validation: line() }, `Cannot train: validation ${iterable} a single batch; put it into an array`);
  assert.ok(train(options));
});

Deno.test("a value that is not finite in the data is named by its position, and what diverges is not blamed on the data", async () => {
  const state = setup();
  const refuse = async (batch: Batch, message: string) => {
    const before = state.model.weight.data.slice();
    for (const batches of [[batch], [line(), batch]]) {
      const step = state.optimizer.steps + batches.length;
      await assert.rejects(collect(train({ ...state, batches, epochs: 1 })), {
        name: "RangeError",
        message: `Cannot train: ${message}, in epoch 1 at step ${step}; remove or fill in such values`,
      });
      if (batches.length === 1) assert.deepEqual(state.model.weight.data, before);
    }
  };
  await refuse(
    { x: tensor([[0], [NaN], [Infinity]]), y: line().y },
    "x of the batch must hold finite values, got NaN at [1, 0]",
  );
  await refuse(
    { x: line().x, y: tensor([[0], [1], [-Infinity]]) },
    "y of the batch must hold finite values, got -Infinity at [2, 0]",
  );
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
  const { model, optimizer, loss } = setup({ plugins: [skipNonFinite(), sgd()], learningRate: 0.01 });
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
  // Once more at the start.
  await evaluate(told, { loss, batches });
  assert.equal(resets, 3);
});

Deno.test("losses are weighted by the number of targets", async () => {
  const { model, optimizer, loss } = setup({ learningRate: 0 });
  const large: Batch = { x: tensor([[[1], [2]], [[3], [4]]]), y: tensor([[[1], [2]], [[3], [4]]]) };
  const small: Batch = { x: tensor([[[5]], [[6]]]), y: tensor([[[0]], [[0]]]) };
  const [a, b] = [await evaluate(model, { loss, batches: [large] }), await evaluate(model, { loss, batches: [small] })];
  assert.equal(await evaluate(model, { loss, batches: [large, small] }), (4 * a + 2 * b) / 6);
  const events = await collect(train({ model, optimizer, loss, batches: [large, small], epochs: 1 }));
  assert.equal(events.at(-1)!.loss, (4 * a + 2 * b) / 6);
});
