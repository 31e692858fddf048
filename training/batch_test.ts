import { add, Random, type Tensor, tensor, zeros } from "@unfold/core";
import {
  CarriedState,
  Dense,
  Embedding,
  GRU,
  LastStep,
  type Layer,
  type LossOptions,
  LSTM,
  meanSquaredError,
  Sequential,
  softmaxCrossEntropy,
} from "@unfold/layers";
import { Optimizer, sgd } from "@unfold/optimizers";
import assert from "node:assert/strict";
import type { Batch, Batches, Loss } from "./batch.ts";
import { PaddedBatches } from "./data/padded_batches.ts";
import { evaluate } from "./evaluate.ts";
import { findLearningRate } from "./find_learning_rate.ts";
import { predict } from "./predict.ts";
import { train } from "./train.ts";

const random = new Random(1);

/** Everything that computes the loss of batches, with what its messages begin with. */
async function callsOf(
  model: Layer,
  options: { loss: Loss; batches: Batches },
): Promise<[doing: string, error: unknown][]> {
  const optimizer = () => new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
  const own = optimizer();
  const calls: [string, () => Promise<unknown>][] = [
    ["train", () => Array.fromAsync(train({ model, optimizer: own, epochs: 1, ...options }))],
    ["evaluate", () => evaluate(model, options)],
    ["find a learning rate", () => {
      (own as Partial<Disposable>)[Symbol.dispose]?.();
      return findLearningRate({ model, optimizer, steps: 2, ...options });
    }],
  ];
  const outcomes: [string, unknown][] = [];
  for (const [doing, call] of calls) {
    outcomes.push([doing, await (async () => await call())().then(() => "nothing", (error) => error)]);
  }
  return outcomes;
}

async function refuse(
  model: Layer,
  options: { loss: Loss; batches: Batches },
  problem: string,
): Promise<void> {
  for (const [doing, error] of await callsOf(model, options)) {
    assert.ok(error instanceof TypeError, `${error}`);
    assert.equal(error.message, `Cannot ${doing}: ${problem}`);
  }
}

const dense = () => new Dense({ inputSize: 1, outputSize: 1, random: new Random(2) });
const pair = (): Batch => ({ x: tensor([[1], [2]]), y: tensor([[1], [3]]) });

Deno.test("a batch that is not { x, y } is refused with what it is", async () => {
  const { x, y } = pair();
  const cases: [batches: unknown[], got: string][] = [
    [[[x, y]], "an array; write { x, y } instead of [x, y]"],
    [[x, y], "a tensor; write [{ x, y }] for a single batch"],
    [[undefined], "undefined"],
    [[{ input: x, target: y }], "an object with input, target"],
    [[{ x: [[1]], y: [[1]] }], "an object with x, y"],
    [[3], "another value"],
  ];
  for (const [batches, got] of cases) {
    const problem = `a batch must be an object { x, y } of tensors, got ${got}`;
    await refuse(dense(), { loss: meanSquaredError, batches: batches as Batch[] }, problem);
  }
});

Deno.test("a loss that is asynchronous, or not a scalar, is refused", async () => {
  const needed = "the loss must be a tensor with one element, got";
  // deno-lint-ignore require-await
  const asynchronous = (async (p: Tensor, t: Tensor) => meanSquaredError(p, t)) as unknown as Loss;
  await refuse(dense(), { loss: asynchronous, batches: [pair()] }, `${needed} a promise; it must not be async`);
  await refuse(dense(), { loss: (p, t) => add(p, t), batches: [pair()] }, `${needed} shape [2, 1]; take its mean`);
  const number = ((p: Tensor, t: Tensor) => meanSquaredError(p, t).item()) as unknown as Loss;
  await assert.rejects(evaluate(dense(), { loss: number, batches: [pair()] }), /with one element, got \d/);
});

Deno.test("a loss that does not use the weights or lengths of a batch is refused", async () => {
  const plain: Loss = (p, t) => meanSquaredError(p, t);
  const unread = (name: string) =>
    `the loss must use the ${name} of the batch, which are in its third argument, got one that does not read them; write ` +
    "(prediction, target, options) => loss(prediction, target, { ...options, … })";
  const weights = tensor([1, 2]);
  await refuse(dense(), { loss: plain, batches: [{ ...pair(), weights }] }, unread("weights"));
  const steps = { x: zeros([2, 3, 1]), y: zeros([2, 3, 1]), lengths: [1, 3] };
  const recurrent = () => new LSTM({ inputSize: 1, hiddenSize: 1, random: new Random(2) });
  await refuse(recurrent(), { loss: plain, batches: [steps] }, unread("lengths"));
  // Nothing is padding.
  await evaluate(recurrent(), { loss: plain, batches: [{ ...steps, lengths: [3, 3] }] });
});

/** A loss that records the options it gets. */
function recording(): { loss: Loss; seen: LossOptions[] } {
  const seen: LossOptions[] = [];
  return {
    seen,
    loss: (prediction, target, options) => {
      seen.push({ ...options });
      return meanSquaredError(prediction, target);
    },
  };
}

Deno.test("the loss gets the lengths if there is a target per step, and no lengths if there is one per sequence", async () => {
  const lengths = [1, 3];
  const x = zeros([2, 3, 1]);
  const perStep = new LSTM({ inputSize: 1, hiddenSize: 4, random });
  const perSequence = new Sequential([new LSTM({ inputSize: 1, hiddenSize: 3, random }), new LastStep()]);
  const optionsFor = async (model: Layer, batch: Batch) => {
    const { loss, seen } = recording();
    await evaluate(model, { loss, batches: [batch] });
    return seen[0];
  };
  assert.deepEqual(await optionsFor(perStep, { x, y: zeros([2, 3, 4]), lengths }), { lengths });
  assert.deepEqual(await optionsFor(perStep, { x, y: zeros([2, 3, 4]), lengths, targetsPer: "sequence" }), {});
  assert.deepEqual(await optionsFor(perStep, { x, y: zeros([2, 3, 4]) }), {});
  // Three outputs, of sequences that happen to have three steps.
  const same = { x, y: zeros([2, 3]), lengths };
  assert.deepEqual(await optionsFor(perSequence, { ...same, targetsPer: "sequence" }), {});
  await assert.rejects(optionsFor(perSequence, same), {
    name: "TypeError",
    message:
      'Cannot evaluate: a batch with lengths and y of shape [2, 3] must have targetsPer, "step" or "sequence", since ' +
      "its sequences have 3 steps too, got none",
  });
  const longer = { x: zeros([2, 5, 1]), y: zeros([2, 3]), lengths: [5, 2] };
  assert.deepEqual(await optionsFor(perSequence, longer), {});
});

Deno.test("softmaxCrossEntropy leaves out padding and weighs the rest, also as a part of another loss", async () => {
  const sequences = Array.from({ length: 12 }, (_, i) => Array.from({ length: 1 + i * 5 % 7 }, (_, t) => (i + t) % 4));
  const targets = sequences.map((sequence) => sequence.map((token) => (token + 1) % 4));
  const model = new Sequential([
    new Embedding({ vocabularySize: 4, outputSize: 3, random }),
    new GRU({ inputSize: 3, hiddenSize: 4, random }),
  ]);
  const perToken = sequences.map((sequence) => sequence.map((token) => token / 2));
  for (const extra of [{}, { weights: perToken }, { weights: sequences.map((_, i) => i % 3) }]) {
    for (
      const loss of [
        softmaxCrossEntropy,
        ((p, t, options) => softmaxCrossEntropy(p, t, { ...options, ignoreIndex: 2 })) as Loss<"i32">,
      ]
    ) {
      const mean = (batchSize: number) =>
        evaluate(model, { loss, batches: new PaddedBatches({ sequences, targets, batchSize, padding: 3, ...extra }) });
      const [alone, padded] = [await mean(1), await mean(5)];
      assert.ok(Math.abs(alone - padded) < 1e-5, `${alone} ${padded}`);
    }
  }
});

/** The mean squared error over steps that are not padding, of sums of tokens. */
const maskedLoss: Loss<"i32"> = (prediction, target, { lengths, weights } = {}) => {
  const [batch, time] = target.shape as [number, number];
  let [total, count] = [0, 0];
  for (let row = 0; row < batch; row++) {
    for (let step = 0; step < (lengths?.[row] ?? time); step++) {
      const weight = weights?.data[row * time + step] ?? 1;
      total += weight * (prediction.data[row * time + step]! - target.data[row * time + step]!) ** 2;
      count += weight;
    }
  }
  return Object.assign(tensor(total / count), { count });
};

Deno.test("padded batches with a target per token give the loss of the sequences without padding", async () => {
  const sequences = Array.from({ length: 12 }, (_, i) => Array.from({ length: 1 + i * 5 % 7 }, (_, t) => (i + t) % 4));
  const targets = sequences.map((sequence) => sequence.map((token) => token * token));
  const weights = sequences.map((sequence) => sequence.map((token) => token / 2));
  const model = new Sequential([
    new Embedding({ vocabularySize: 4, outputSize: 3, random }),
    new GRU({ inputSize: 3, hiddenSize: 1, random }),
  ]);
  for (const extra of [{}, { weights }]) {
    const alone = new PaddedBatches({ sequences, targets, batchSize: 1, ...extra });
    const padded = new PaddedBatches({ sequences, targets, batchSize: 5, random, padding: 3, ...extra });
    const [a, b] = [
      await evaluate(model, { loss: maskedLoss, batches: alone }),
      await evaluate(model, { loss: maskedLoss, batches: padded }),
    ];
    assert.ok(Math.abs(a - b) < 1e-5, `${a} ${b}`);
  }
});

Deno.test("predict passes lengths to the model", () => {
  const model = new Sequential([new LSTM({ inputSize: 1, hiddenSize: 4, random }), new LastStep()]);
  const short = predict(model, tensor([[[1], [2]]]));
  const padded = predict(model, tensor([[[1], [2], [9]], [[3], [4], [5]]]), { lengths: [2, 3] });
  assert.deepEqual(padded.data.slice(0, 4), short.data);
});

Deno.test("evaluating twice with carried state gives the same, also after another batch size", async () => {
  const model = new CarriedState(new GRU({ inputSize: 1, hiddenSize: 2, random }));
  const batch = (rows: number): Batch => ({
    x: tensor(Array.from({ length: 3 * rows }, () => random.normal()), { shape: [rows, 3, 1] }),
    y: zeros([rows, 3, 2]),
  });
  const [batches, others] = [[batch(2), batch(2)], [batch(5)]];
  const first = await evaluate(model, { loss: meanSquaredError, batches });
  await evaluate(model, { loss: meanSquaredError, batches: others });
  assert.equal(await evaluate(model, { loss: meanSquaredError, batches }), first);
});
