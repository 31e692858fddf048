import { type DType, encodeSafetensors, noGrad, Random, type Tensor, tensor, zeros } from "@unfold/core";
import { reserve } from "@unfold/core/kernels";
import { type Communicator, dataParallel, ownStream, single } from "@unfold/distributed";
import {
  CarriedState,
  Dense,
  Embedding,
  GRU,
  LastStep,
  type Layer,
  LSTM,
  meanSquaredError,
  Sequential,
  softmaxCrossEntropy,
} from "@unfold/layers";
import { adam, clipByGlobalNorm, Optimizer, sgd, skipNonFinite } from "@unfold/optimizers";
import {
  type Batches,
  Checkpoints,
  consume,
  earlyStopping,
  history,
  type Loss,
  PaddedBatches,
  reduceOnPlateau,
  TokenStream,
  train,
  Windows,
} from "@unfold/training";
import assert from "node:assert/strict";
import { withFolder } from "../tools/testing.ts";
import { inProcess } from "./testdata/in_process.ts";

interface Task<Y extends DType> {
  model: Layer;
  loss: Loss<Y>;
  batches: Batches<Y>;
  validation?: Batches<Y>;
  /** The source of dropout masks. */
  dropout?: Random;
}

interface Settings {
  epochs?: number;
  accumulate?: number;
  /** The folder for checkpoints. */
  folder?: string;
  /** Stops the run after this number of steps. */
  stopAfter?: number;
}

// The ranks share one memory here. It must not grow while one of them waits for the others.
reserve(1, 1 << 26);

/** A forecaster on windows. The last batch has fewer windows than there are ranks. */
function windows({ dropout = 0 } = {}): Task<"f32"> {
  const random = new Random(1);
  const wave = (shift: number) => ({
    data: Float32Array.from({ length: 120 }, (_, t) => Math.sin((t + shift) / 4)),
    columns: 1,
  });
  const part = { features: wave(0), targets: wave(1), past: 6, batchSize: 11 };
  return {
    model: new Sequential([
      new LSTM({ inputSize: 1, hiddenSize: 7, layers: 2, dropout, random }),
      new LastStep(),
      new Dense({ inputSize: 7, outputSize: 1, random }),
    ]),
    loss: meanSquaredError,
    batches: new Windows({ ...part, to: 84, random: random.split() }),
    validation: new Windows({ ...part, from: 90 }),
    dropout: random,
  };
}

/** A language model with a carried state. */
function stream(): Task<"i32"> {
  const random = new Random(2);
  const tokens = Uint8Array.from({ length: 400 }, (_, i) => (i * i + (i >> 3)) % 5);
  return {
    model: new Sequential([
      new Embedding({ vocabularySize: 5, outputSize: 4, random }),
      new CarriedState(new GRU({ inputSize: 4, hiddenSize: 6, random })),
      new Dense({ inputSize: 6, outputSize: 5, random }),
    ]),
    loss: softmaxCrossEntropy,
    batches: new TokenStream({ tokens, batchSize: 5, time: 9, to: 300 }),
    validation: new TokenStream({ tokens, batchSize: 3, time: 9, from: 300 }),
  };
}

/** A classifier of padded sequences. */
function padded(): Task<"i32"> {
  const random = new Random(3);
  const sequences = Array.from({ length: 31 }, (_, i) => Array.from({ length: 1 + i * 7 % 9 }, (_, t) => (i + t) % 4));
  return {
    model: new Sequential([
      new Embedding({ vocabularySize: 4, outputSize: 3, random }),
      new LSTM({ inputSize: 3, hiddenSize: 5, bidirectional: true, random }),
      new LastStep(),
      new Dense({ inputSize: 10, outputSize: 2, random }),
    ]),
    loss: softmaxCrossEntropy,
    batches: new PaddedBatches({
      sequences,
      targets: sequences.map(({ length }) => length % 2),
      batchSize: 6,
      random: random.split(),
    }),
  };
}

/** Runs one rank. Returns the losses of its steps and epochs, and its weights. */
async function run<Y extends DType>(
  { model, loss, batches, validation, dropout }: Task<Y>,
  communicator: Communicator | undefined,
  { epochs = 3, accumulate = 1, folder, stopAfter }: Settings = {},
) {
  const parameters = model.parameters();
  const optimizer = new Optimizer(parameters, [clipByGlobalNorm(0.5), adam()], { learningRate: 0.02, accumulate });
  if (dropout && communicator) ownStream(dropout, communicator);
  const [best, curve] = [earlyStopping(parameters), history()];
  const plateau = reduceOnPlateau(optimizer, { patience: 0, threshold: 0.3, factor: 0.5 });
  const stop = new AbortController();
  const losses: number[] = [];
  const events = train({
    model,
    optimizer,
    loss,
    batches,
    epochs,
    signal: stop.signal,
    resume: folder !== undefined,
    ...(validation && { validation }),
    ...(communicator && { parallel: dataParallel({ optimizer, communicator, verifyEvery: 2 }) }),
    ...(folder && {
      checkpoints: new Checkpoints({ folder, parts: { ...(dropout && { dropout }), best, curve, plateau } }),
    }),
  });
  const last = await consume(events, best, curve, plateau, (event) => {
    if (event.type === "step") losses.push(event.loss);
    if (losses.length === stopAfter) stop.abort();
  });
  return {
    losses,
    epochs: curve.epochs,
    scale: optimizer.learningRateScale,
    finished: last?.type === "done" && last.finished,
    weights: [...encodeSafetensors([...Object.entries(parameters), ...best.state()])],
  };
}

/** Runs all ranks. */
function runAll<Y extends DType>(task: () => Task<Y>, size: number, settings: Settings | ((rank: number) => Settings)) {
  return Promise.all(
    inProcess(size).map((communicator, rank) =>
      run(task(), communicator, typeof settings === "function" ? settings(rank) : settings)
    ),
  );
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((loss, step) => {
    assert.ok(Math.abs(loss - expected[step]!) <= 1e-5, `step ${step}: expected ${expected[step]}, got ${loss}`);
  });
}

for (
  const [name, task] of [
    ["windows", windows as () => Task<DType>],
    ["a stream", stream as unknown as () => Task<DType>],
    ["padded sequences", padded as unknown as () => Task<DType>],
  ] as const
) {
  for (const accumulate of [1, 3]) {
    Deno.test(`${name}: any number of ranks gives the losses of one, and all ranks equal weights, with ${accumulate} batches per step`, async () => {
      const alone = await run(task(), undefined, { accumulate });
      assert.deepEqual(await run(task(), single(), { accumulate }), alone);
      for (const size of [2, 3, 4, 7]) {
        const [first, ...others] = await runAll(task, size, { accumulate });
        for (const other of others) assert.deepEqual(other, first);
        assertClose(first!.losses, alone.losses);
        assertClose(first!.epochs.map(({ loss }) => loss), alone.epochs.map(({ loss }) => loss));
        assertClose(
          first!.epochs.map(({ validationLoss }) => validationLoss ?? 0),
          alone.epochs.map(({ validationLoss }) => validationLoss ?? 0),
        );
        assert.equal(first!.scale, alone.scale);
      }
    });
  }
}

for (const task of [windows.bind(undefined, { dropout: 0.3 }), stream as unknown as typeof windows]) {
  Deno.test(`${task.name.replace("bound ", "")}: a signal on one rank stops all; the run resumes bit for bit, or on fewer ranks`, async () => {
    const whole = await runAll(task, 3, {});
    for (const size of [3, 2, 1]) {
      await withFolder(async (folder) => {
        const stopped = await runAll(task, 3, (rank) => ({ folder, ...(rank === 1 && { stopAfter: 10 }) }));
        assert.deepEqual(stopped.map(({ finished, losses }) => [finished, losses.length]), Array(3).fill([false, 11]));
        const rest = await runAll(task, size, { folder });
        for (const other of rest) assert.deepEqual(other, rest[0]);
        assert.equal(rest[0]!.losses.length, whole[0]!.losses.length - 11);
        assert.ok(rest[0]!.finished);
        if (size === 3) assert.deepEqual(rest[0]!.weights, whole[0]!.weights);
        else if (task.name === "stream") assertClose(rest[0]!.losses.slice(0, 1), whole[0]!.losses.slice(11, 12));
      });
    }
  });
}

Deno.test("a run resumes in the middle of an accumulated step, bit for bit, or on fewer or more ranks", async () => {
  const settings = { accumulate: 3 };
  const whole = await runAll(windows, 2, settings);
  for (const size of [2, 1, 3]) {
    await withFolder(async (folder) => {
      const [first] = await runAll(windows, 2, { ...settings, folder, epochs: 1 });
      assert.notEqual(first!.losses.length % 3, 0);
      const rest = await runAll(windows, size, { ...settings, folder });
      for (const other of rest) assert.deepEqual(other, rest[0]);
      assertClose([...first!.losses, ...rest[0]!.losses], whole[0]!.losses);
      if (size === 2) assert.deepEqual(rest[0]!.weights, whole[0]!.weights);
    });
  }
});

Deno.test("ranks added on resuming draw their own random numbers", () =>
  withFolder(async (folder) => {
    const draw = (random: Random) => Array.from({ length: 5 }, () => random.uniform());
    const states = async (size: number) => {
      const randoms = Array.from({ length: size }, () => new Random(5));
      await Promise.all(
        inProcess(size).map(async (communicator, rank) => {
          const model = new Dense({ inputSize: 1, outputSize: 1 });
          const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
          const random = randoms[rank]!;
          ownStream(random, communicator);
          const checkpoints = new Checkpoints({ folder, parts: { random } });
          const batches = [{ x: tensor([[1], [2]]), y: tensor([[1], [2]]) }];
          const parallel = dataParallel({ optimizer, communicator });
          const options = { model, optimizer, loss: meanSquaredError, batches, epochs: 1, checkpoints, parallel };
          for await (const _ of train({ ...options, resume: true }));
        }),
      );
      return randoms.map(draw);
    };
    const two = await states(2);
    const five = await states(5);
    assert.deepEqual(five.slice(0, 2), two);
    assert.equal(new Set(five.map(String)).size, 5);
  }));

Deno.test("a rank without rows resets its carried state too when sequences start", async () => {
  const batch = (rows: number) => ({ x: zeros([rows, 2, 1]), y: zeros([rows, 2, 2]), first: true });
  const rows = await Promise.all(
    inProcess(2).map(async (communicator) => {
      const model = new CarriedState(new GRU({ inputSize: 1, hiddenSize: 2, random: new Random(1) }));
      const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
      const parallel = dataParallel({ optimizer, communicator });
      const batches = [batch(4), batch(1)];
      const options = { model, optimizer, loss: meanSquaredError, batches, validation: batches, epochs: 1, parallel };
      for await (const _ of train(options));
      const carried = [...model.state().values()].map(({ shape }) => shape[0]);
      // This would fail with a state of two rows.
      if (communicator.rank === 0) noGrad(() => model.forward(zeros([3, 2, 1])));
      return carried;
    }),
  );
  assert.deepEqual(rows, [[], [1]]);
});

Deno.test("all ranks start from the weights and the optimizer state of rank 0", async () => {
  const results = await Promise.all(
    inProcess(3).map(async (communicator, rank) => {
      const random = new Random(rank);
      const model = new Dense({ inputSize: 2, outputSize: 2, random });
      const optimizer = new Optimizer(model.parameters(), [adam()], { learningRate: 0.1 });
      if (rank === 0) {
        model.weight.grad.data.fill(1);
        optimizer.step();
      }
      await dataParallel({ optimizer, communicator }).synchronize();
      return [...model.weight.data, optimizer.steps, ...optimizer.state().get("adam.m/weight")?.data ?? []];
    }),
  );
  assert.deepEqual(results.slice(1), [results[0], results[0]]);
  assert.equal(results[0]!.length, 9);
});

/** Runs two epochs of five steps, and changes the weights of rank 1 after one of the steps. */
function comeApart(after: number, { verifyEvery = 100, folder }: { verifyEvery?: number; folder?: string } = {}) {
  const seen: string[] = [];
  const outcomes = Promise.allSettled(
    inProcess(3).map(async (communicator, rank) => {
      const model = new Dense({ inputSize: 1, outputSize: 1, random: new Random(1) });
      const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
      const batches = Array(5).fill({ x: tensor([[1], [2], [3]]), y: tensor([[1], [2], [3]]) });
      const parallel = dataParallel({ optimizer, communicator, verifyEvery });
      const checkpoints = folder === undefined ? {} : { checkpoints: new Checkpoints({ folder, everySteps: 3 }) };
      const options = { model, optimizer, loss: meanSquaredError, batches, epochs: 2, parallel, ...checkpoints };
      for await (const event of train(options)) {
        if (event.type === "step" && event.step === after && rank === 1) model.weight.data[0]! += 1e-6;
        if (event.type !== "step" && rank === 0) seen.push(event.type);
      }
    }),
  );
  return outcomes.then((all) => ({
    seen,
    reasons: all.map((outcome) => String((outcome as PromiseRejectedResult).reason)),
  }));
}

Deno.test("a rank with different weights is detected and named", async () => {
  const { reasons } = await comeApart(2, { verifyEvery: 4 });
  for (const reason of reasons) assert.match(reason, /the weights of rank 0 after step 4, got others on rank 1;/);
});

Deno.test("ranks with different weights are neither saved nor reported as done", () =>
  withFolder(async (folder) => {
    const saved = await comeApart(2, { folder });
    for (const reason of saved.reasons) assert.match(reason, /rank 0 after step 3, got others on rank 1;/);
    assert.deepEqual([saved.seen, [...Deno.readDirSync(folder)]], [[], []]);
    const last = await comeApart(10);
    for (const reason of last.reasons) assert.match(reason, /rank 0 after step 10, got others on rank 1;/);
    assert.deepEqual(last.seen, ["epoch"]);
  }));

Deno.test("a loss that is not finite on one rank stops all of them, or is skipped by all", async () => {
  const start = (plugins: ConstructorParameters<typeof Optimizer>[1]) =>
    Promise.allSettled(
      inProcess(2).map(async (communicator) => {
        const model = new Dense({ inputSize: 1, outputSize: 1, random: new Random(1) });
        const optimizer = new Optimizer(model.parameters(), plugins, { learningRate: 0.1 });
        const batches = [
          { x: tensor([[1], [2]]), y: tensor([[1], [2]]) },
          { x: tensor([[1], [2]]), y: tensor([[1], [NaN]]) },
        ];
        const parallel = dataParallel({ optimizer, communicator });
        for await (const _ of train({ model, optimizer, loss: meanSquaredError, batches, epochs: 2, parallel }));
        return [optimizer.steps, optimizer.skippedSteps];
      }),
    );
  for (const outcome of await start([sgd()])) {
    assert.match(String((outcome as PromiseRejectedResult).reason), /the loss must be finite, got NaN at step 2/);
  }
  for (const outcome of await start([skipNonFinite(), sgd()])) {
    assert.deepEqual((outcome as PromiseFulfilledResult<number[]>).value, [2, 2]);
  }
});

Deno.test("a batch that cannot be shared and a bad verifyEvery are refused", () => {
  const model = new Dense({ inputSize: 1, outputSize: 1 });
  const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
  const [communicator] = inProcess(2) as [Communicator];
  const { shard, rows } = dataParallel({ optimizer, communicator });
  assert.throws(() => shard({ x: tensor([[1], [2]]) as Tensor<DType>, y: tensor([1, 2, 3]) }), {
    name: "TypeError",
    message: "Cannot share a batch: x and y must have the same number of rows, got [2, 1] and [3]",
  });
  assert.deepEqual(rows(5), [0, 2]);
  assert.throws(() => dataParallel({ optimizer, communicator, verifyEvery: 0 }), {
    name: "RangeError",
    message: "Cannot train on several ranks: verifyEvery must be an integer of 1 or more, got 0",
  });
});
