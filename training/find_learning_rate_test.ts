import { defineOp, type DType, full, memoryStats, Random, tanh, type Tensor, tensor } from "@unfold/core";
import {
  Dense,
  Embedding,
  GRU,
  Lambda,
  LastStep,
  type Layer,
  LSTM,
  meanSquaredError,
  Sequential,
  SimpleRNN,
  softmaxCrossEntropy,
} from "@unfold/layers";
import { adam, clipByGlobalNorm, Optimizer, type Schedule, sgd, skipNonFinite } from "@unfold/optimizers";
import assert from "node:assert/strict";
import type { Batch, Batches, Loss } from "./batch.ts";
import { TokenStream } from "./data/token_stream.ts";
import { type Series, Windows } from "./data/windows.ts";
import { evaluate } from "./evaluate.ts";
import { findLearningRate } from "./find_learning_rate.ts";
import { train } from "./train.ts";

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

// Ten small problems.

type Problem<Y extends DType> = [
  model: (random: Random) => Layer,
  data: (random: Random) => Batches<Y>,
  loss: Loss<Y>,
  rule: string,
];
const RULES: Record<string, () => ConstructorParameters<typeof Optimizer>[1]> = {
  sgd: () => [sgd()],
  momentum: () => [sgd({ momentum: 0.9 })],
  adam: () => [adam()],
  clipped: () => [clipByGlobalNorm(1), adam()],
};

const linear = (random: Random) => new Dense({ inputSize: 3, outputSize: 1, random });
const perceptron = (random: Random) =>
  new Sequential([
    new Dense({ inputSize: 2, outputSize: 16, random }),
    new Lambda(tanh),
    new Dense({ inputSize: 16, outputSize: 2, random }),
  ]);
const forecaster = (Cell: typeof LSTM | typeof GRU | typeof SimpleRNN) => (random: Random) =>
  new Sequential([
    new Cell({ inputSize: 1, hiddenSize: 8, random }),
    new LastStep(),
    new Dense({ inputSize: 8, outputSize: 1, random }),
  ]);
const language = (random: Random) =>
  new Sequential([
    new Embedding({ vocabularySize: 5, outputSize: 4, random }),
    new GRU({ inputSize: 4, hiddenSize: 8, random }),
    new Dense({ inputSize: 8, outputSize: 5, random }),
  ]);

/** A noisy plane. */
function plane({ scale = 1, noise = 0.1, batchSize = 64 } = {}): Batch[] {
  const random = new Random(5);
  const weights = Array.from({ length: 3 }, () => random.normal());
  return Array.from({ length: 64 / batchSize }, () => {
    const x = Array.from({ length: batchSize }, () => weights.map(() => random.normal()));
    const y = x.map((
      row,
    ) => [scale * (0.5 + row.reduce((sum, value, i) => sum + value * weights[i]!, random.normal(0, noise)))]);
    return { x: tensor(x), y: tensor(y) };
  });
}

/** Whether two numbers have the same sign. */
function signs(batchSize: number): Batch<"i32">[] {
  const random = new Random(6);
  return Array.from({ length: 128 / batchSize }, () => {
    const x = Array.from({ length: batchSize }, () => [random.normal(), random.normal()]);
    return { x: tensor(x), y: tensor(x.map(([a, b]) => Number(a! * b! > 0)), { dtype: "i32" }) };
  });
}

const wave = (scale: number): Series => ({
  data: Float32Array.from({ length: 221 }, (_, t) => scale * Math.sin(t / 4)),
  columns: 1,
});
const waves = (scale = 1) => (random: Random) =>
  new Windows({ features: wave(1), targets: wave(scale), past: 10, batchSize: 32, random });
const tokens = Uint8Array.from({ length: 1200 }, (_, i) => (i * i + (i >> 3)) % 5);

const PROBLEMS: Record<string, Problem<"f32"> | Problem<"i32">> = {
  "a plane": [linear, () => plane(), meanSquaredError, "sgd"],
  "a noisy plane in small batches": [linear, () => plane({ noise: 0.3, batchSize: 8 }), meanSquaredError, "sgd"],
  "a plane with losses of 1e-8": [linear, () => plane({ scale: 1e-3 }), meanSquaredError, "sgd"],
  "a plane with losses of 1e4": [linear, () => plane({ scale: 100 }), meanSquaredError, "adam"],
  "signs": [perceptron, () => signs(128), softmaxCrossEntropy, "adam"],
  "signs in small batches": [perceptron, () => signs(16), softmaxCrossEntropy, "momentum"],
  "a wave with an LSTM": [forecaster(LSTM), waves(), meanSquaredError, "adam"],
  "a small wave with a GRU": [forecaster(GRU), waves(1e-3), meanSquaredError, "clipped"],
  "a wave with a SimpleRNN": [forecaster(SimpleRNN), waves(), meanSquaredError, "sgd"],
  "tokens": [language, () => new TokenStream({ tokens, batchSize: 8, time: 15 }), softmaxCrossEntropy, "adam"],
};

/** The best constant rate of a grid of powers of two: the one with the lowest loss over all data after 100 steps. */
async function bestOfGrid([make, data, loss, rule]: Problem<DType>): Promise<number> {
  let [best, least] = [NaN, Infinity];
  for (let rate = 2 ** -14; rate <= 16; rate *= 2) {
    const [model, batches] = [make(new Random(1)), data(new Random(2))];
    const optimizer = new Optimizer(model.parameters(), [skipNonFinite({ most: 1000 }), ...RULES[rule]!()], {
      learningRate: rate,
    });
    let steps = 0;
    for await (const event of train({ model, optimizer, loss, batches, epochs: 100 })) {
      if (event.type === "step" && ++steps === 100) break;
    }
    const reached = await evaluate(model, { loss, batches });
    if (reached < least) [best, least] = [rate, reached];
  }
  return best;
}

for (const [name, problem] of Object.entries(PROBLEMS)) {
  Deno.test(`findLearningRate agrees with a grid within a factor of 3, or finds none: ${name}`, async () => {
    const [make, data, loss, rule] = problem as Problem<DType>;
    const model = make(new Random(1));
    const { suggestion, rates, losses } = await findLearningRate({
      model,
      optimizer: (learningRate) => new Optimizer(model.parameters(), RULES[rule]!(), { learningRate }),
      loss,
      batches: data(new Random(2)),
    });
    const best = await bestOfGrid(problem as Problem<DType>);
    // Adam moves each weight by about its rate per step, however large the loss: 10 is not enough in 100 steps.
    if (name === "a plane with losses of 1e4" && suggestion === undefined) {
      assert.equal(losses.indexOf(Math.min(...losses)), rates.length - 1);
      return;
    }
    assert.ok(suggestion! > best / 3 && suggestion! < best * 3, `suggested ${suggestion}, the grid has ${best}`);
  });
}

/** SGD on the squared error e² of w·1 + b: each step multiplies e by 1 − 4·rate. */
function oracle(error: number, rate: number, steps: number): number {
  const losses = Array.from({ length: steps }, (_, step) => (error * (1 - 4 * rate) ** step) ** 2);
  const last = losses.slice(Math.floor(steps * 0.8));
  return last.reduce((a, b) => a + b) / last.length;
}

Deno.test("findLearningRate tries a rate per decade and four more around the best, and its losses match a Float64 oracle", async () => {
  const options = setup();
  const [weight, bias] = parametersOf(options) as [number, number];
  const steps = 10;
  const { rates, losses, suggestion } = await findLearningRate({
    ...options,
    batches: [point(), point(), point()],
    from: 1e-4,
    to: 1,
    steps,
  });
  const expected = [-4, -3, -2, -5 / 3, -4 / 3, -1, -2 / 3, -1 / 3, 0].map((exponent) => 10 ** exponent);
  assert.equal(rates.length, expected.length);
  rates.forEach((rate, i) => assert.ok(Math.abs(rate / expected[i]! - 1) < 1e-9));
  losses.forEach((loss, i) => {
    const wanted = oracle(weight + bias, rates[i]!, steps);
    assert.ok(Math.abs(loss - wanted) < 1e-4 * Math.abs(wanted) + 1e-12, `${loss} ${wanted}`);
  });
  assert.equal(suggestion, rates[losses.indexOf(Math.min(...losses))]);
});

Deno.test("a rate that diverges has an infinite loss", async () => {
  const { rates, losses } = await findLearningRate({ ...setup(), batches: [point()], steps: 1000 });
  assert.equal(losses[rates.indexOf(10)], Infinity);
  assert.ok(Number.isFinite(losses[0]));
});

Deno.test("findLearningRate restores the parameters bit for bit, zeroes their gradients and rewinds the batches", async () => {
  const random = new Random(3);
  const model = new Sequential([
    new LSTM({ inputSize: 1, hiddenSize: 5, random }),
    new LastStep(),
    new Dense({ inputSize: 5, outputSize: 1, random }),
  ]);
  const parameters = Object.values(model.parameters());
  const before = parameters.map(({ data }) => data.slice());
  const batches = new Windows({ features: wave(1), targets: wave(1), past: 4, batchSize: 50, random: new Random(8) });
  const start = batches.state();
  const search = () =>
    findLearningRate({
      model,
      optimizer: (learningRate) => new Optimizer(model.parameters(), [skipNonFinite(), adam()], { learningRate }),
      loss: meanSquaredError,
      batches,
      to: 1e30,
      steps: 10,
    });
  const first = await search();
  assert.deepEqual(parameters.map(({ data }) => data), before);
  assert.ok(parameters.every(({ grad }) => grad.data.every((value) => value === 0)));
  assert.deepEqual(batches.state(), start);
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

Deno.test("findLearningRate passes lengths to the model, and resets a carried state when sequences start and before each rate", async () => {
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
  const { rates } = await findLearningRate({ ...options, model, batches, steps: 3, to: 1e-5 });
  const run = ["reset", "reset", {}, { lengths: [1] }, "reset", {}];
  assert.deepEqual(seen, [...Array(1 + rates.length).fill(run).flat(), "reset"]);
});

Deno.test("findLearningRate accepts negative losses, and suggests nothing if the loss never falls or falls ever faster", async () => {
  // −p falls forever, p rises: the gradient is 1 or −1 for any parameters.
  const linear = (slope: number) =>
    defineOp("linear", (prediction: Tensor, _target: Tensor) => ({
      inputs: [prediction],
      output: tensor(slope * prediction.data[0]! - 5),
      backward: () => [full(prediction.shape, slope)],
    }));
  const falling = await findLearningRate({ ...setup(), loss: linear(-1), batches: [point()], to: 1 });
  assert.equal(falling.suggestion, undefined);
  assert.equal(falling.losses.indexOf(Math.min(...falling.losses)), falling.rates.length - 1);
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

Deno.test("findLearningRate refuses bad options and a loss that is not finite before training", async () => {
  const refused: [object, string][] = [
    [{ from: 0 }, "from must be above 0 and below to, which must be finite, got 0 and 10"],
    [{ from: 1, to: 1 }, "from must be above 0 and below to, which must be finite, got 1 and 1"],
    [{ to: Infinity }, "from must be above 0 and below to, which must be finite, got 1e-7 and Infinity"],
    [{ steps: 1 }, "steps must be an integer of 2 or more, got 1"],
    [
      { batches: [{ x: tensor([[NaN]]), y: tensor([[0]]) }] },
      "x of the batch must hold finite values, got NaN at [0, 0]",
    ],
    [{ batches: [{ x: tensor([[1e30]]), y: tensor([[0]]) }] }, "the loss before training must be finite, got Infinity"],
  ];
  for (const [bad, message] of refused) {
    await assert.rejects(findLearningRate({ ...setup(), batches: [point()], ...bad }), {
      name: "RangeError",
      message: `Cannot find a learning rate: ${message}`,
    });
  }
});
