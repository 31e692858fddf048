import { Parameter, type SafetensorsInput } from "@unfold/core";
import { Dense } from "@unfold/layers";
import { constant, Optimizer, sgd } from "@unfold/optimizers";
import assert from "node:assert/strict";
import type { TrainEvent } from "../events.ts";
import golden from "../testdata/plateau.json" with { type: "json" };
import { earlyStopping, reduceOnPlateau } from "./stopping.ts";

function epochEvent(epoch: number, validationLoss: number | undefined, loss = 1): TrainEvent {
  return { type: "epoch", epoch, step: epoch, loss, validationLoss };
}

const step: TrainEvent = {
  type: "step",
  epoch: 1,
  step: 3,
  loss: 0.25,
  samples: 10,
  targets: 40,
  counted: 40,
  stepped: true,
  learningRate: 0.125,
};
const done: TrainEvent = { type: "done", epoch: 9, step: 9, loss: 1, finished: true };

/** A model whose weight is the number of the epoch. */
function following(options = {}) {
  const model = new Dense({ inputSize: 1, outputSize: 1, bias: false });
  const early = earlyStopping(model.parameters(), options);
  const run = async (losses: readonly (number | undefined)[]) => {
    for (const [i, loss] of losses.entries()) {
      model.weight.data[0] = i + 1;
      if (await early(epochEvent(i + 1, loss, 10 - i)) === "stop") return i + 1;
    }
    return undefined;
  };
  return { model, early, run };
}

Deno.test("early stopping waits for patience epochs, then restores the best weights", async () => {
  const { model, early, run } = following({ patience: 2 });
  assert.equal(await run([5, 3, 4, 3, 3.5, 1]), 5);
  assert.deepEqual([early.epoch, early.loss, model.weight.item()], [2, 3, 2]);
});

Deno.test("early stopping without patience never stops, and restores the best weights when the run is done", async () => {
  const { model, early, run } = following();
  assert.equal(await run([5, NaN, 4, 6, 7, 8, 9]), undefined);
  early({ ...done, finished: false } as TrainEvent);
  assert.equal(model.weight.item(), 7);
  early(done);
  assert.deepEqual([early.epoch, early.loss, model.weight.item()], [3, 4, 3]);
  early(step);
});

Deno.test("early stopping uses the training loss without validation, and respects the threshold", async () => {
  const { early, run } = following({ patience: 3, threshold: 0.5 });
  await run([undefined, undefined, undefined]);
  assert.deepEqual([early.epoch, early.loss], [1, 10]);
});

Deno.test("the state of early stopping holds the best weights", async () => {
  const [a, b] = [following({ patience: 2 }), following({ patience: 2 })];
  await a.run([5, 3, 4]);
  b.early.load(a.early.state());
  assert.equal(b.early(epochEvent(4, 6)), undefined);
  assert.equal(b.early(epochEvent(5, 6)), "stop");
  assert.deepEqual([b.early.epoch, b.early.loss, b.model.weight.item()], [2, 3, 2]);
  const other = earlyStopping(new Dense({ inputSize: 2, outputSize: 1 }).parameters());
  assert.throws(() => other.load(a.early.state()), {
    message:
      "Cannot stop early: the state must have the best weights of weight, finite and in shape [2, 1], got [1, 1] in a " +
      "Float32Array",
  });
  assert.throws(() => b.early.load(new Map()), {
    name: "TypeError",
    message: "Cannot stop early: the state must have the numbers epoch, loss, waited, got none for epoch, loss, waited",
  });
});

Deno.test("states with numbers that no run has are refused, and change nothing", async () => {
  const { early, model, run } = following({ patience: 2 });
  await run([5, 3, 4]);
  const state = early.state();
  const number = (value: number) => ({ shape: [], data: Float64Array.of(value) });
  const weight = state.get("weights/weight")!;
  const cases: [name: string, entry: SafetensorsInput, message: RegExp][] = [
    ["epoch", number(1.5), /epoch in the state must be an integer of 0 or more, got 1\.5$/],
    ["epoch", number(-1), /epoch in the state must be an integer of 0 or more, got -1$/],
    ["epoch", number(0), /the loss in the state must be Infinity before the first epoch, .*, got 3 at epoch 0$/],
    ["loss", number(NaN), /loss in the state must be a number, or Infinity before the first, got NaN$/],
    [
      "loss",
      number(Infinity),
      /must be Infinity before the first epoch, and finite afterwards, got Infinity at epoch 2$/,
    ],
    ["waited", number(NaN), /waited in the state must be an integer of 0 or more, got NaN$/],
    ["waited", { shape: [0], data: new Float64Array() }, /must have the numbers .*, got none for waited$/],
    [
      "weights/weight",
      { ...weight, data: Float32Array.of(NaN) },
      /finite .*, got \[1, 1\] in a Float32Array with values/,
    ],
    ["weights/weight", { ...weight, data: Float64Array.of(1) }, /finite .*, got \[1, 1\] in a Float64Array$/],
    ["weights/other", weight, /the state must have weights of the model alone, got "other" too$/],
  ];
  for (const [name, entry, message] of cases) {
    assert.throws(() => early.load(new Map([...state, [name, entry]])), { name: "TypeError", message });
  }
  assert.throws(
    () => early.load(new Map([...state].filter(([name]) => name !== "weights/weight"))),
    /of weight, .*, got none/,
  );
  early(done);
  assert.deepEqual([early.epoch, early.loss, model.weight.item()], [2, 3, 2]);

  const reduce = reduceOnPlateau(makeOptimizer());
  reduce(epoch(1));
  for (const [name, value] of [["best", NaN], ["waited", 0.5], ["cooling", -1]] as const) {
    assert.throws(
      () => reduce.load(new Map([...reduce.state(), [name, number(value)]])),
      new RegExp(`Cannot reduce on a plateau: ${name} in the state must be .*, got ${value}$`),
    );
  }
  reduce.load(reduceOnPlateau(makeOptimizer()).state());
});

Deno.test("early stopping refuses bad options", () => {
  assert.throws(() => earlyStopping({}, { patience: -1 }), /patience must be 0 or more, got -1/);
  assert.throws(() => earlyStopping({}, { threshold: 1 }), /threshold must be at least 0 and below 1, got 1/);
});

function makeOptimizer(): Optimizer {
  return new Optimizer({ weight: new Parameter([1]) }, [sgd()], { learningRate: constant(1) });
}

function epoch(loss: number, validationLoss?: number) {
  return { type: "epoch" as const, epoch: 1, step: 1, loss, validationLoss };
}

for (const { options, rates } of golden.plateaus) {
  Deno.test(`reduceOnPlateau ${JSON.stringify(options)} gives PyTorch's learning rates`, () => {
    const optimizer = makeOptimizer();
    const { min_lr, ...rest } = options as { min_lr?: number };
    const reduce = reduceOnPlateau(optimizer, { ...rest, ...(min_lr !== undefined && { leastScale: min_lr }) });
    const seen = golden.losses.map((loss) => {
      reduce(epoch(NaN, loss));
      return optimizer.learningRate;
    });
    assert.deepEqual(seen, rates);
  });
}

Deno.test("reduceOnPlateau uses the training loss without validation, and ignores all events but epochs", () => {
  const optimizer = makeOptimizer();
  const reduce = reduceOnPlateau(optimizer, { patience: 0, factor: 0.5 });
  for (const loss of [1, 2]) {
    reduce(epoch(loss));
    reduce({ type: "done", epoch: 1, step: 1, loss, finished: true });
    reduce({ ...step, loss });
  }
  assert.equal(optimizer.learningRateScale, 0.5);
});

Deno.test("reduceOnPlateau does not count a loss that is not finite as an improvement", () => {
  const optimizer = makeOptimizer();
  const reduce = reduceOnPlateau(optimizer, { patience: 0, factor: 0.5 });
  for (const loss of [NaN, Infinity, -1, -2]) reduce(epoch(loss));
  assert.equal(optimizer.learningRateScale, 0.25);
});

Deno.test("reduceOnPlateau never raises the learning rate, and waits ten epochs by default", () => {
  const low = makeOptimizer();
  low.learningRateScale = 0.01;
  const reduce = reduceOnPlateau(low, { patience: 0, leastScale: 0.1 });
  for (const loss of [1, 2]) reduce(epoch(loss));
  assert.equal(low.learningRateScale, 0.01);

  const optimizer = makeOptimizer();
  const usual = reduceOnPlateau(optimizer);
  const scales = Array.from({ length: 12 }, () => {
    usual(epoch(-1));
    return optimizer.learningRateScale;
  });
  assert.deepEqual(scales, [...new Array(11).fill(1), 0.1]);
  assert.throws(() => reduceOnPlateau(optimizer, { factor: 0 }), /factor must be above 0 and below 1, got 0/);
});

Deno.test("reduceOnPlateau refuses bad options", () => {
  const refused = [
    [{ factor: 1 }, "factor must be above 0 and below 1, got 1"],
    [{ patience: 0.5 }, "patience must be an integer of 0 or more, got 0.5"],
    [{ threshold: -1 }, "threshold must be at least 0 and below 1, got -1"],
    [{ cooldown: -1 }, "cooldown must be an integer of 0 or more, got -1"],
    [{ leastScale: 2 }, "leastScale must be from 0 to 1, got 2"],
  ] as const;
  for (const [options, message] of refused) {
    assert.throws(() => reduceOnPlateau(makeOptimizer(), options), {
      name: "RangeError",
      message: `Cannot reduce on a plateau: ${message}`,
    });
  }
});
