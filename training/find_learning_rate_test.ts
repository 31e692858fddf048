import { defineOp, full, memoryStats, Random, type Tensor, tensor } from "@unfold/core";
import { Dense, meanSquaredError, Sequential } from "@unfold/layers";
import { adam, Optimizer, type Schedule, sgd, skipNonFinite } from "@unfold/optimizers";
import assert from "node:assert/strict";
import type { Batch } from "./batch.ts";
import { findLearningRate } from "./find_learning_rate.ts";

function setup() {
  const model = new Dense({ inputSize: 1, outputSize: 1, random: new Random(1) });
  model.bias!.data.fill(0.7);
  const optimizer = (learningRate: Schedule) => new Optimizer(model.parameters(), [sgd()], { learningRate });
  return { model, optimizer, loss: meanSquaredError };
}

function point(): Batch {
  return { x: tensor([[1]]), y: tensor([[0]]) };
}

function parametersOf({ model }: ReturnType<typeof setup>): number[] {
  return Object.values(model.parameters()).flatMap(({ data }) => [...data]);
}

/** SGD on the squared error e² of w·1 + b: each step multiplies e by 1 − 4·rate. */
function oracle(error: number, { from, to, steps }: { from: number; to: number; steps: number }) {
  const [rates, losses]: [number[], number[]] = [[], []];
  let mean = 0;
  for (let i = 0; i < steps; i++) {
    const rate = from * Math.exp(Math.log(to / from) * i / (steps - 1));
    mean = 0.98 * mean + 0.02 * error ** 2;
    rates.push(rate);
    losses.push(mean / (1 - 0.98 ** (i + 1)));
    if (losses.at(-1)! > 4 * Math.min(...losses)) break;
    error *= 1 - 4 * rate;
  }
  const falls = losses.map((loss, i) => i < Math.floor(steps / 10) ? 0 : (losses[i + 1] ?? Infinity) - loss);
  return { rates, losses, suggestion: rates[falls.indexOf(Math.min(...falls))] };
}

for (const range of [{ from: 1e-7, to: 0.4, steps: 100 }, { from: 1e-3, to: 1e-2, steps: 7 }]) {
  Deno.test(`findLearningRate from ${range.from} to ${range.to} matches a Float64 oracle`, async () => {
    const options = setup();
    const [weight, bias] = parametersOf(options) as [number, number];
    const expected = oracle(weight + bias, range);
    // Three batches, repeated.
    const found = await findLearningRate({ ...options, batches: [point(), point(), point()], ...range });
    assert.equal(found.rates.length, expected.rates.length);
    found.rates.forEach((rate, i) => assert.ok(Math.abs(rate / expected.rates[i]! - 1) < 1e-9));
    found.losses.forEach((loss, i) => assert.ok(Math.abs(loss / expected.losses[i]! - 1) < 1e-4, `${loss}`));
    assert.ok(Math.abs(found.suggestion! / expected.suggestion! - 1) < 1e-9);
  });
}

Deno.test("findLearningRate stops when the loss explodes, and suggests a rate that converges", async () => {
  const { rates, losses, suggestion } = await findLearningRate({ ...setup(), batches: [point()] });
  assert.ok(rates.length < 100);
  assert.ok(losses.at(-1)! > 4 * Math.min(...losses));
  assert.ok(losses.slice(0, -1).every((loss) => loss <= 4 * Math.min(...losses)));
  // Above 0.5 the steps overshoot further and further.
  assert.ok(suggestion! > 1e-3 && suggestion! < 0.5);
});

Deno.test("findLearningRate restores the parameters bit for bit and zeroes their gradients", async () => {
  const random = new Random(3);
  const model = new Sequential([
    new Dense({ inputSize: 1, outputSize: 5, random }),
    new Dense({ inputSize: 5, outputSize: 1, random }),
  ]);
  const parameters = Object.values(model.parameters());
  const before = parameters.map(({ data }) => data.slice());
  const batches = [point()];
  const search = () =>
    findLearningRate({
      model,
      optimizer: (learningRate) => new Optimizer(model.parameters(), [skipNonFinite(), adam()], { learningRate }),
      loss: meanSquaredError,
      batches,
      to: 1e30,
    });
  const first = await search();
  assert.ok(first.rates.length > 10 && first.losses.every(Number.isFinite));
  assert.deepEqual(parameters.map(({ data }) => data), before);
  assert.ok(parameters.every(({ grad }) => grad.data.every((value) => value === 0)));
  const { ambient } = memoryStats();
  assert.deepEqual(await search(), first);
  assert.equal(memoryStats().ambient, ambient);
});

Deno.test("findLearningRate restores the parameters if something throws", async () => {
  const options = setup();
  const before = parametersOf(options);
  let steps = 0;
  const loss = (prediction: Tensor, target: Tensor) => {
    if (++steps === 5) throw new Error("enough");
    return meanSquaredError(prediction, target);
  };
  await assert.rejects(findLearningRate({ ...options, loss, batches: [point()], from: 0.1 }), /^Error: enough$/);
  assert.deepEqual(parametersOf(options), before);
  assert.ok(options.model.weight.grad.data.every((value) => value === 0));
  const once = (function* () {
    yield point();
  })();
  await assert.rejects(findLearningRate({ ...options, batches: once, from: 0.1 }), {
    name: "RangeError",
    message:
      "Cannot find a learning rate: batches must give at least one batch in every pass, got none; a generator gives its " +
      "batches only once, use an array or Windows",
  });
  assert.deepEqual(parametersOf(options), before);
});

Deno.test("findLearningRate passes lengths to the model, and resets a carried state when sequences start and at the end", async () => {
  const { model: dense, ...options } = setup();
  const seen: unknown[] = [];
  const model = {
    parameters: () => dense.parameters(),
    forward(x: Tensor, forwardOptions?: unknown) {
      seen.push(forwardOptions);
      return dense.forward(x);
    },
    reset: () => void seen.push("reset"),
  };
  const batches = [{ ...point(), first: true }, { ...point(), lengths: [1] }];
  await findLearningRate({ ...options, model, batches, steps: 3, to: 1e-3 });
  assert.deepEqual(seen, ["reset", {}, { lengths: [1] }, "reset", {}, "reset"]);
});

Deno.test("findLearningRate accepts negative losses, and suggests nothing if the loss never falls", async () => {
  // −p falls forever, p rises: the gradient is 1 or −1 for any parameters.
  const linear = (slope: number) =>
    defineOp("linear", (prediction: Tensor, _target: Tensor) => ({
      inputs: [prediction],
      output: tensor(slope * prediction.data[0]! - 5),
      backward: () => [full(prediction.shape, slope)],
    }));
  const falling = await findLearningRate({ ...setup(), loss: linear(-1), batches: [point()], to: 1 });
  assert.equal(falling.rates.length, 100);
  assert.ok(falling.suggestion! > 0.1);
  const ascending = (learningRate: Schedule) =>
    new Optimizer(options.model.parameters(), [{
      name: "ascent",
      update: ({ params, grads }, { learningRate }) =>
        params.forEach((_, i) => params[i] = params[i]! + learningRate * grads[i]!),
    }], { learningRate });
  const options = setup();
  const rising = await findLearningRate({ ...options, optimizer: ascending, loss: linear(1), batches: [point()] });
  assert.equal(rising.suggestion, undefined);
});

Deno.test("findLearningRate refuses bad options and a first loss that is not finite", async () => {
  const refused: [object, string][] = [
    [{ from: 0 }, "from must be above 0 and below to, which must be finite, got 0 and 10"],
    [{ from: 1, to: 1 }, "from must be above 0 and below to, which must be finite, got 1 and 1"],
    [{ to: Infinity }, "from must be above 0 and below to, which must be finite, got 1e-7 and Infinity"],
    [{ steps: 1 }, "steps must be an integer of 2 or more, got 1"],
    [
      { batches: [{ x: tensor([[NaN]]), y: tensor([[0]]) }] },
      "the first loss must be finite, got NaN",
    ],
  ];
  for (const [bad, message] of refused) {
    await assert.rejects(findLearningRate({ ...setup(), batches: [point()], ...bad }), {
      name: "RangeError",
      message: `Cannot find a learning rate: ${message}`,
    });
  }
});
