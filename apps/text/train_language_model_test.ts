import { Random } from "@unfold/core";
import { adam, sgd } from "@unfold/optimizers";
import type { TrainEvent } from "@unfold/training";
import assert from "node:assert/strict";
import { inProcess } from "../../distributed/testdata/in_process.ts";
import { withFolder } from "../../tools/testing.ts";
import type { LanguageModelConfig } from "./language_model.ts";
import { type LanguageSettings, lossOn, splitText, trainLanguageModel } from "./train_language_model.ts";

const config: LanguageModelConfig = {
  tokens: "char",
  vocabulary: [..."abcde"],
  cell: "lstm",
  hidden: 10,
  layers: 1,
  embedding: 5,
  dropout: 0,
  tied: false,
};
const settings: LanguageSettings = { batchSize: 4, time: 10, epochs: 3, learningRate: 0.02, clip: 5, seed: 1 };

const random = new Random(1);
/** Each part has its own pattern, so its loss identifies it. */
const tokens = Uint8Array.from(
  { length: 3000 },
  (_, i) => i < 2400 ? i % 5 : i < 2700 ? random.integer(2) : random.integer(5),
);
const parts = splitText(3000, { validation: 0.1, test: 0.1, batchSize: 4, time: 10 }, "text");

async function run(chosen: Partial<LanguageSettings> = {}, rule = adam()) {
  const events: TrainEvent[] = [];
  let epochs = 0;
  let result: Awaited<ReturnType<typeof trainLanguageModel>>;
  await withFolder(async (folder) => {
    result = await trainLanguageModel(tokens, parts, config, { ...settings, ...chosen }, {
      optimizer: rule,
      onEvent: (count) => {
        epochs = count;
        return (event) => void events.push(event);
      },
      folder,
      config: {},
      resume: false,
      signal: new AbortController().signal,
    });
  });
  return { ...result!, events, shown: epochs };
}

const STEPS = 60;

Deno.test("the parts are consecutive; each loss belongs to its part, with the best epoch's weights", async () => {
  assert.deepEqual(parts, {
    train: { from: 0, to: 2400 },
    validation: { from: 2400, to: 2700 },
    test: { from: 2700, to: 3000 },
  });
  const { model, validationLoss, testLoss, history, bestEpoch, steps } = await run({ epochs: 5 });
  assert.equal(steps, 5 * STEPS);
  const losses = history.map(({ validationLoss }) => validationLoss!);
  // Training does not help on the validation part's pattern, so an early epoch is the best.
  assert.ok(bestEpoch < 5 && losses[bestEpoch - 1] === Math.min(...losses) && validationLoss === Math.min(...losses));
  assert.equal(await lossOn(model, tokens, parts.validation, settings), validationLoss);
  assert.equal(await lossOn(model, tokens, parts.test!, settings), testLoss);
  const onTraining = await lossOn(model, tokens, parts.train, settings);
  assert.ok(onTraining < 0.7 * validationLoss && validationLoss < 0.95 * testLoss! || validationLoss !== testLoss);
});

Deno.test("the learning rate decays along a cosine over all steps; gradients are clipped", async () => {
  const { events } = await run();
  const rates = events.flatMap((event) => event.type === "step" ? [event.learningRate] : []);
  assert.equal(rates.length, 3 * STEPS);
  rates.forEach((rate, i) => {
    const expected = 0.02 * (1 + Math.cos(Math.PI * i / rates.length)) / 2;
    assert.ok(Math.abs(rate - expected) < 1e-9, `${i}: ${rate}, expected ${expected}`);
  });
  // With a tiny clipping norm, gradient descent does not move.
  const still = await run({ clip: 1e-9, epochs: 1 }, sgd());
  const moved = await run({ epochs: 1, learningRate: 1 }, sgd());
  assert.ok(Math.abs(still.history[0]!.loss - Math.log(5)) < 0.3);
  assert.ok(moved.history[0]!.loss < still.history[0]!.loss - 0.1);
});

for (const steps of [45, STEPS, 2 * STEPS, 2 * STEPS + 5, 1000]) {
  Deno.test(`with ${steps} steps, training stops in time and keeps the best epoch's weights, even of a partial epoch`, async () => {
    const result = await run({ steps });
    const most = Math.min(steps, 3 * STEPS);
    const epochs = Math.ceil(most / STEPS);
    assert.deepEqual([result.steps, result.history.length, result.shown], [most, epochs, epochs]);
    const losses = result.history.map(({ validationLoss }) => validationLoss!);
    assert.equal(result.validationLoss, Math.min(...losses));
    assert.equal(await lossOn(result.model, tokens, parts.validation, settings), result.validationLoss);
    const rates = result.events.flatMap((event) => event.type === "step" ? [event.learningRate] : []);
    assert.ok(rates.at(-1)! < 0.001);
  });
}

Deno.test("ranks with another seed or another text are refused before they train", async () => {
  for (
    const [more, textHash, message] of [
      [{ seed: 2 }, 1, /got on rank 1 seed 2 instead of 1; start every rank/],
      [{}, 2, /got on rank 1 another text;/],
    ] as const
  ) {
    const runs = inProcess(2).map((communicator, rank) =>
      trainLanguageModel(tokens, parts, config, { ...settings, ...(rank === 1 && more) }, {
        optimizer: adam(),
        onEvent: () => () => {},
        config: { textHash: rank === 0 ? 1 : textHash },
        communicator,
      })
    );
    for (const outcome of await Promise.allSettled(runs)) {
      assert.equal(outcome.status, "rejected");
      assert.match((outcome as PromiseRejectedResult).reason.message, message);
    }
  }
});
