import { abs, defineOp, full, mean, Random, subtract, type Tensor, tensor } from "@unfold/core";
import { dataParallel } from "@unfold/distributed";
import { Dense, type Layer, type LossOptions, meanSquaredError } from "@unfold/layers";
import { adamW, Optimizer, type PluginEntry, sgd, skipNonFinite } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { inProcess } from "../distributed/testdata/in_process.ts";
import type { Batch } from "./batch.ts";
import { evaluate } from "./evaluate.ts";
import type { StepEvent, TrainEvent } from "./events.ts";
import { train } from "./train.ts";

/** Targets of this value do not count. */
const IGNORED = -100;

/** Σ w·(p − t)²/Σ w over targets that are not ignored, and NaN if there are none. */
function maskedError(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const { weights } = options;
  const each = target.data.map((value, i) => value === IGNORED ? 0 : weights?.data[i] ?? 1);
  const count = each.reduce((a, b) => a + b, 0);
  const error = defineOp("maskedError", (prediction: Tensor) => {
    const differences = prediction.data.map((value, i) => each[i]! && value - target.data[i]!);
    return {
      inputs: [prediction],
      output: full([], differences.reduce((sum, value, i) => sum + each[i]! * value ** 2, 0) / count),
      backward: (dy) => [
        tensor(differences.map((value, i) => dy.item() * 2 * each[i]! * value / count), { shape: prediction.shape }),
      ],
    };
  })(prediction);
  error.count = count;
  return error;
}

function setUp({ learningRate = 0.1, accumulate = 1, plugins = [sgd()] }: {
  learningRate?: number;
  accumulate?: number;
  plugins?: PluginEntry<string>[];
} = {}) {
  const model = new Dense({ inputSize: 1, outputSize: 1, random: new Random(1) });
  const optimizer = new Optimizer(model.parameters(), plugins, { learningRate, accumulate });
  return { model, optimizer, loss: maskedError };
}

function batch(x: readonly number[], y: readonly number[], weights?: readonly number[]): Batch {
  const column = (values: readonly number[]) => tensor(values, { shape: [values.length, 1] });
  return { x: column(x), y: column(y), ...(weights && { weights: tensor(weights) }) };
}

function parametersOf(model: Layer): number[] {
  return Object.values(model.parameters()).flatMap(({ data }) => [...data]);
}

async function stepsOf(events: AsyncIterable<TrainEvent>): Promise<StepEvent[]> {
  return (await Array.fromAsync(events)).filter((event): event is StepEvent => event.type === "step");
}

function assertNear(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-6, `${actual} and ${expected}`));
}

const NOTHING = Array<number>(10).fill(IGNORED);
/** Ten targets, one of which counts. */
const ONE_OF_TEN = batch([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((x) => x / 10), NOTHING.with(3, 2));
const THREE = batch([0.5, 0.25, 1], [1, 2, -1]);

Deno.test("a batch without counted targets has a loss of 0, takes no step, and its event says so", async () => {
  for (const plugins of [[adamW({ weightDecay: 0.5 })], [skipNonFinite(), adamW({ weightDecay: 0.5 })]]) {
    const { model, optimizer, loss } = setUp({ plugins });
    const before = parametersOf(model);
    const batches = [batch([1, 2], [IGNORED, IGNORED]), THREE];
    const seen: unknown[] = [];
    for await (const event of train({ model, optimizer, loss, batches, epochs: 1 })) {
      if (event.type !== "step") {
        assert.ok(event.loss > 0, `${event.loss}`);
        continue;
      }
      seen.push([event.loss === 0, event.counted, event.stepped, event.skipped, event.step]);
      if (seen.length === 1) assert.deepEqual(parametersOf(model), before);
    }
    assert.deepEqual(seen, [[true, 0, false, "uncounted", 0], [false, 3, true, undefined, 1]]);
    assert.equal(optimizer.skippedSteps, 0);
  }
});

Deno.test("an epoch, or data to evaluate on, without a counted target is refused", async () => {
  const { model, optimizer, loss } = setUp();
  const batches = [batch([1, 2], [IGNORED, IGNORED])];
  await assert.rejects(stepsOf(train({ model, optimizer, loss, batches, epochs: 3 })), {
    name: "RangeError",
    message:
      "Cannot train: at least one target must count in every epoch, got none in epoch 1; look at ignoreIndex, lengths " +
      "and weights",
  });
  await assert.rejects(evaluate(model, { loss, batches }), {
    name: "RangeError",
    message: "Cannot evaluate: at least one target must count, got none; look at ignoreIndex, lengths and weights",
  });
});

Deno.test("evaluate and epoch losses weigh a batch with 1 counted target of 10 as 1", async () => {
  const { model, optimizer, loss } = setUp({ learningRate: 0 });
  const [one, three] = [
    await evaluate(model, { loss, batches: [ONE_OF_TEN] }),
    await evaluate(model, { loss, batches: [THREE] }),
  ];
  const expected = (one + 3 * three) / 4;
  const batches = [ONE_OF_TEN, batch([1], [IGNORED]), THREE];
  assertNear([await evaluate(model, { loss, batches })], [expected]);
  const events = await Array.fromAsync(train({ model, optimizer, loss, batches, epochs: 1 }));
  const epoch = events.find((event) => event.type === "epoch")!;
  assertNear([epoch.loss], [expected]);
});

for (const weighted of [false, true]) {
  const weights = (list: readonly number[]) => weighted ? list : undefined;
  const parts = [
    batch([1, 2, 3, 4], [IGNORED, 2, IGNORED, IGNORED], weights([9, 0.5, 9, 9])),
    batch([1, 2], [IGNORED, IGNORED], weights([1, 1])),
    batch([0.5, -1, 1.5], [1, 2, 3], weights([2, 0, 1])),
    batch([0.1], [-1], weights([3])),
  ];
  const whole = batch(
    parts.flatMap(({ x }) => [...x.data]),
    parts.flatMap(({ y }) => [...y.data]),
    weights(parts.flatMap(({ weights }) => [...weights?.data ?? []])),
  );
  const about = weighted ? "with weights" : "with ignored targets";

  Deno.test(`accumulated batches ${about} step as one large batch does`, async () => {
    const [a, b] = [setUp(), setUp({ accumulate: 3 })];
    await stepsOf(train({ ...a, batches: [whole, whole], epochs: 1 }));
    const steps = await stepsOf(train({ ...b, batches: [...parts, ...parts], epochs: 1 }));
    assertNear(parametersOf(b.model), parametersOf(a.model));
    assert.deepEqual(steps.map(({ stepped }) => stepped), [false, false, false, true, false, false, false, true]);
    assert.deepEqual(steps.slice(0, 4).map(({ counted }) => counted), weighted ? [0.5, 0, 3, 3] : [1, 0, 3, 1]);
  });

  Deno.test(`ranks ${about} step as one process does`, async () => {
    const alone = setUp();
    const expected = await stepsOf(train({ ...alone, batches: [whole, ...parts], epochs: 2 }));
    for (const size of [1, 2, 3, 4]) {
      const results = await Promise.all(
        inProcess(size).map(async (communicator) => {
          const own = setUp();
          const parallel = dataParallel({ optimizer: own.optimizer, communicator });
          const steps = await stepsOf(train({ ...own, batches: [whole, ...parts], epochs: 2, parallel }));
          const loss = await evaluate(own.model, { loss: own.loss, batches: parts, parallel });
          return { steps, loss, weights: parametersOf(own.model) };
        }),
      );
      for (const { steps, loss, weights } of results) {
        assert.deepEqual(weights, results[0]!.weights);
        assertNear(weights, parametersOf(alone.model));
        assertNear(steps.map(({ loss }) => loss), expected.map(({ loss }) => loss));
        assert.deepEqual(steps.map(({ counted }) => counted), expected.map(({ counted }) => counted));
        assertNear([loss], [await evaluate(alone.model, { loss: alone.loss, batches: parts })]);
      }
      if (size === 1) assert.deepEqual(results[0]!.weights, parametersOf(alone.model));
    }
  });

  Deno.test(`ranks that accumulate batches ${about} step as one large batch does`, async () => {
    const alone = setUp();
    await stepsOf(train({ ...alone, batches: [whole], epochs: 1 }));
    const all = await Promise.all(
      inProcess(2).map(async (communicator) => {
        const own = setUp({ accumulate: 3 });
        const parallel = dataParallel({ optimizer: own.optimizer, communicator });
        await stepsOf(train({ ...own, batches: parts, epochs: 1, parallel }));
        return parametersOf(own.model);
      }),
    );
    for (const weights of all) assertNear(weights, parametersOf(alone.model));
  });
}

Deno.test("the last, incomplete group of a run is stepped, with the mean over its own targets, before the validation", async () => {
  const [whole, parts] = [setUp(), setUp({ accumulate: 4 })];
  const all = batch([0.5, 0.25, 1, 2, 3], [1, 2, -1, 0, 1]);
  await stepsOf(train({ ...whole, batches: [all], epochs: 1 }));
  const batches = [THREE, batch([2, 3], [0, 1])];
  const events = await Array.fromAsync(train({ ...parts, batches, validation: [all], epochs: 1 }));
  assertNear(parametersOf(parts.model), parametersOf(whole.model));
  assert.deepEqual(events.map(({ type, step }) => [type, step]), [
    ["step", 0],
    ["step", 0],
    ["validation", 1],
    ["epoch", 1],
    ["done", 1],
  ]);
  assert.equal(events[2]!.loss, await evaluate(parts.model, { loss: maskedError, batches: [all] }));
});

Deno.test("a group crosses the end of an epoch", async () => {
  const own = setUp({ accumulate: 2 });
  const batches = [THREE, THREE, THREE];
  const events = await Array.fromAsync(train({ ...own, batches, epochs: 2 }));
  assert.deepEqual(
    events.filter(({ type }) => type !== "done").map(({ type, step }) => `${type} ${step}`),
    ["step 0", "step 1", "step 1", "epoch 1", "step 2", "step 2", "step 3", "epoch 3"],
  );
});

Deno.test("with skipNonFinite a loss that is not finite takes no step, even if its gradients are finite", async () => {
  // The gradient of |p − t| is a sign, and that of NaN is 0.
  const absolute = (prediction: Tensor, target: Tensor) => mean(abs(subtract(prediction, target)));
  for (const rule of [sgd(), adamW({ weightDecay: 0.5 })]) {
    const { model, optimizer } = setUp({ plugins: [skipNonFinite(), rule] });
    const before = parametersOf(model);
    const seen: unknown[] = [];
    const batches = [batch([1, 2, 3], [NaN, NaN, NaN]), batch([1, 2, 3], [1, NaN, 3]), THREE];
    for await (const event of train({ model, optimizer, loss: absolute, batches, epochs: 1 })) {
      if (event.type !== "step") continue;
      seen.push([event.stepped, event.skipped]);
      if (seen.length < 3) assert.deepEqual(parametersOf(model), before);
      else assert.notDeepEqual(parametersOf(model), before);
    }
    assert.deepEqual(seen, [[false, "nonFinite"], [false, "nonFinite"], [true, undefined]]);
    assert.deepEqual([optimizer.steps, optimizer.skippedSteps], [1, 2]);
  }
});

Deno.test("a loss without a count weighs by the sum of the weights, or by all targets", async () => {
  const { model, optimizer } = setUp({ learningRate: 0 });
  const loss = (prediction: Tensor, target: Tensor, { weights }: LossOptions = {}) => {
    assert.ok(weights === undefined || weights.size === 3);
    return mean(abs(subtract(prediction, target)));
  };
  const batches = [batch([1, 2, 3], [1, 2, 3], [0.5, 0, 1]), THREE];
  const steps = await stepsOf(train({ model, optimizer, loss, batches, epochs: 1 }));
  assert.deepEqual(steps.map(({ counted }) => counted), [1.5, 3]);
  const negative = (prediction: Tensor, target: Tensor) =>
    Object.assign(meanSquaredError(prediction, target), { count: -1 });
  await assert.rejects(stepsOf(train({ model, optimizer, loss: negative, batches: [THREE], epochs: 1 })), {
    name: "RangeError",
    message: "Cannot train: the count of a loss must be a finite number of 0 or more, got -1",
  });
});
