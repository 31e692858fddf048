import { Random } from "@unfold/core";
import { CarriedState, Dense, Embedding, GRU, LastStep, LSTM, Sequential, softmaxCrossEntropy } from "@unfold/layers";
import { adam, Optimizer } from "@unfold/optimizers";
import { Checkpoints, evaluate, PaddedBatches, TokenStream, train } from "@unfold/training";
import assert from "node:assert/strict";

/** Text in which each letter mostly determines the next. */
function letters(random: Random, count: number): Uint8Array {
  const tokens = new Uint8Array(count);
  for (let i = 1; i < count; i++) tokens[i] = random.uniform() < 0.9 ? (tokens[i - 1]! + 1) % 6 : random.integer(6);
  return tokens;
}

Deno.test("a token stream carries state, resumes in the middle of a pass bit for bit, and evaluation leaves the state alone", async () => {
  const folder = await Deno.makeTempDir();
  const tokens = letters(new Random(1), 2000);
  const setUp = (name: string) => {
    const random = new Random(2);
    const model = new Sequential([
      new Embedding({ vocabularySize: 6, outputSize: 4, random }),
      new CarriedState(new LSTM({ inputSize: 4, hiddenSize: 12, random })),
      new Dense({ inputSize: 12, outputSize: 6, random }),
    ]);
    return {
      model,
      optimizer: new Optimizer(model.parameters(), [adam()], { learningRate: 0.02 }),
      loss: softmaxCrossEntropy,
      batches: new TokenStream({ tokens, batchSize: 8, time: 10, to: 1600 }),
      validation: new TokenStream({ tokens, batchSize: 2, time: 10, from: 1600 }),
      checkpoints: new Checkpoints({ folder: `${folder}/${name}`, everySteps: 7 }),
      epochs: 4,
    };
  };
  try {
    const whole = setUp("whole");
    for await (const _ of train(whole));
    for await (const event of train(setUp("left"))) if (event.type === "checkpoint" && event.step === 35) break;
    const left = setUp("left");
    for await (const _ of train({ ...left, resume: true }));
    const values = ({ model }: typeof left) => Object.values(model.parameters()).map(({ data }) => [...data]);
    assert.deepEqual(values(left), values(whole));
    const { model, loss, validation } = left;
    const nats = await evaluate(model, { loss, batches: validation });
    // The entropy of the source: one letter has probability 0.9 + 0.1/6, the others 0.1/6 each.
    const [likely, rest] = [0.9 + 0.1 / 6, 0.1 / 6];
    const floor = -(likely * Math.log(likely) + 5 * rest * Math.log(rest));
    assert.ok(nats > 0.7 * floor && nats < 1.5 * floor, `${nats}, the floor is ${floor}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a classifier of padded sequences ignores the padding", async () => {
  const random = new Random(3);
  const sequences = Array.from({ length: 200 }, () => letters(random, 1 + random.integer(9)));
  // Whether the sequence ends in the upper half of the letters, so that the last step before the padding decides.
  const targets = sequences.map((sequence) => Number(sequence.at(-1)! >= 3));
  const model = new Sequential([
    new Embedding({ vocabularySize: 7, outputSize: 6, paddingIndex: 6, random }),
    new GRU({ inputSize: 6, hiddenSize: 8, random }),
    new LastStep(),
    new Dense({ inputSize: 8, outputSize: 2, random }),
  ]);
  const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 0.02 });
  const part = { sequences, targets, batchSize: 16, padding: 6 };
  const batches = new PaddedBatches({ ...part, random });
  let last = Infinity;
  for await (const event of train({ model, optimizer, loss: softmaxCrossEntropy, batches, epochs: 15 })) {
    last = event.loss;
  }
  assert.ok(last < 0.05, `${last}`);
  assert.ok(await evaluate(model, { loss: softmaxCrossEntropy, batches: new PaddedBatches(part) }) < 0.05);
});
