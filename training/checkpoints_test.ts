import { decodeSafetensors, encodeSafetensors, Random, reshape, subtract, type Tensor, tensor } from "@unfold/core";
import { Dense, type Layer, loadModel, meanSquaredError } from "@unfold/layers";
import { adam, Optimizer, type Schedule, sgd } from "@unfold/optimizers";
import {
  type Batch,
  CheckpointError,
  Checkpoints,
  loadScaler,
  type Loss,
  predict,
  type Stateful,
  train,
  type TrainEvent,
  Windows,
} from "@unfold/training";
import assert from "node:assert/strict";
import { assertPrintable, assertThrowsPrintable, HOSTILE, withFolder } from "../tools/testing.ts";
import { checkProgress } from "./_progress.ts";
import { encodeChecked } from "./checkpoints.ts";

/** A counter: the smallest thing with a state. */
function counter(value: number): Stateful & { value: number } {
  const made = {
    value,
    state: () => new Map([["value", { shape: [], data: Float64Array.of(made.value) }]]),
    load: (state: ReturnType<Stateful["state"]>) => void (made.value = Number(state.get("value")!.data[0])),
  };
  return made;
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("the last checkpoints are kept, and unfinished files are removed", () =>
  withFolder(async (folder) => {
    const checkpoints = new Checkpoints({ folder: `${folder}/deep/down`, keep: 2 });
    await Deno.mkdir(checkpoints.folder, { recursive: true });
    await Deno.writeTextFile(`${checkpoints.folder}/.checkpoint-000000001.safetensors.tmp`, "half");
    await Deno.writeTextFile(`${checkpoints.folder}/notes.txt`, "mine");
    for (const step of [5, 70, 600]) {
      const path = await checkpoints.save(step, { counter: counter(step) }, { step });
      assert.equal(path, `${checkpoints.folder}/checkpoint-${String(step).padStart(9, "0")}.safetensors`);
    }
    assert.deepEqual(names(checkpoints.folder), [
      "checkpoint-000000070.safetensors",
      "checkpoint-000000600.safetensors",
      "notes.txt",
    ]);
    const restored = counter(0);
    assert.deepEqual((await checkpoints.restore({ counter: restored }))?.progress, { step: 600 });
    assert.equal(restored.value, 600);
    const older = `${checkpoints.folder}/checkpoint-000000070.safetensors`;
    assert.deepEqual(await checkpoints.restore({ counter: restored }, older), { path: older, progress: { step: 70 } });
    assert.deepEqual(names(checkpoints.folder), [
      "abandoned-000000600.safetensors",
      "checkpoint-000000070.safetensors",
      "notes.txt",
    ]);
    await checkpoints.clear();
    assert.deepEqual(names(checkpoints.folder), ["abandoned-000000600.safetensors", "notes.txt"]);
    const alone = new Checkpoints({ folder: `${folder}/alone` });
    await alone.save(1, {}, {});
    await alone.clear();
    assert.deepEqual(names(folder), ["deep"]);
  }));

Deno.test("without checkpoints restore returns undefined; a named file must exist", () =>
  withFolder(async (folder) => {
    const checkpoints = new Checkpoints({ folder: `${folder}/none` });
    assert.equal(await checkpoints.restore({}), undefined);
    await assert.rejects(() => checkpoints.restore({}, `${folder}/gone`), {
      name: "CheckpointError",
      message: /^Cannot resume from .*gone: .*no such file/,
    });
  }));

Deno.test("a checkpoint of another run is refused, and the message lists the differences", () =>
  withFolder(async (folder) => {
    await new Checkpoints({
      folder,
      config: { hidden: 8, cell: "LSTM", scaler: { mean: [1] } },
      parts: { random: new Random(1) },
    })
      .save(1, { counter: counter(1) }, {});
    const refuses = (config: Record<string, unknown>, parts: Record<string, Stateful | Random>, problem: string) =>
      assert.rejects(() => new Checkpoints({ folder, config, parts }).restore({ counter: counter(0) }), {
        name: "CheckpointError",
        message: `Cannot resume from ${folder}/checkpoint-000000001.safetensors: ${problem}`,
      });
    const config = { cell: "LSTM", scaler: { mean: [1] }, hidden: 8 };
    const random = new Random(2);
    await refuses(
      { ...config, hidden: 16, scaler: { mean: [2] }, seed: 3 },
      { random },
      'it belongs to another run: its hidden is 8, this run\'s 16; its scaler is {"mean":[1]}, this run\'s {"mean":[2]}; ' +
        "its seed is missing, this run's 3",
    );
    await refuses(config, {}, 'this run has nothing named "random.state"');
    await refuses(
      config,
      { random, other: random },
      "other: Cannot restore Random: its state must be four 32-bit integers",
    );
  }));

Deno.test("1,000 corrupt or truncated checkpoints are all refused, and the message names the intact one before", () =>
  withFolder(async (folder) => {
    const checkpoints = new Checkpoints({ folder, config: { hidden: 8 } });
    const weights: Stateful = {
      state: () => new Map([["a", { shape: [3, 5], data: Float32Array.from({ length: 15 }, (_, i) => i) }]]),
      load: () => assert.fail("nothing must be loaded"),
    };
    await checkpoints.save(1, { weights }, {});
    const path = await checkpoints.save(2, { weights }, {});
    const whole = await Deno.readFile(path);
    const random = new Random(1);
    for (let i = 0; i < 1000; i++) {
      let bytes = whole.slice();
      if (i % 4 === 0) bytes = bytes.slice(0, random.integer(bytes.length));
      else bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8);
      await Deno.writeFile(path, bytes);
      await assert.rejects(() => checkpoints.restore({ weights }), (error: Error) => {
        assert.ok(error instanceof CheckpointError);
        assert.match(
          error.message,
          /it is corrupt: its checksum must be|it must be a checkpoint, got another file or a truncated one/,
        );
        assert.match(error.message, /; resume from .*checkpoint-000000001.safetensors instead, which is intact$/);
        return true;
      });
    }
    const other = encodeSafetensors([], { metadata: { format: "another" } });
    await Deno.writeFile(path, other);
    await assert.rejects(() => checkpoints.restore({ weights }), /must be a checkpoint/);
  }));

Deno.test("a failed write says why, and leaves the checkpoint before as it was", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const checkpoints = new Checkpoints({ folder: `${folder}/file/below` });
    await assert.rejects(() => checkpoints.save(1, {}, {}), {
      name: "CheckpointError",
      message: /^Cannot write .*\/file\/below\/checkpoint-000000001.safetensors: .*not a directory/,
    });
    const locked = new Checkpoints({ folder });
    await locked.save(1, {}, {});
    await Deno.chmod(folder, 0o555);
    // Root ignores permissions.
    if (await Deno.writeTextFile(`${folder}/root`, "").then(() => true, () => false)) return;
    await assert.rejects(() => locked.save(2, {}, {}), /^CheckpointError: Cannot write .*permission denied/);
    await Deno.chmod(folder, 0o755);
    assert.deepEqual(names(folder), ["checkpoint-000000001.safetensors", "file"]);
  }));

Deno.test("a full disk is reported, and the checkpoint before stays as it was", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/run.ts`,
      `import { Checkpoints } from "${new URL("./checkpoints.ts", import.meta.url)}";
       const part = (size) => ({ part: { state: () => new Map([["a", { shape: [size], data: new Float32Array(size) }]]), load() {} } });
       const checkpoints = new Checkpoints({ folder: Deno.args[0] });
       await checkpoints.save(1, part(10), {});
       await checkpoints.save(2, part(100_000), {}).catch((error) => console.log(error.message));
       console.log((await checkpoints.restore(part(10))).progress);`,
    );
    // With a limit of 64 kB per file a write fails in the middle, as on a full disk.
    const run =
      'ulimit -f 64; trap "" XFSZ; exec "$0" run --no-check --config deno.json --allow-read --allow-write "$1" "$2"';
    const args = ["-c", run, Deno.execPath(), `${folder}/run.ts`, `${folder}/a`];
    const { stdout, stderr } = await new Deno.Command("bash", { args }).output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    const problem = new TextDecoder().decode(stderr);
    assert.match(lines[0]!, /^Cannot write .*checkpoint-000000002.safetensors: .*file too large/, problem);
    assert.equal(lines[1], "{}");
    assert.deepEqual(names(`${folder}/a`), ["checkpoint-000000001.safetensors"]);
  }));

Deno.test("bad options are refused", () => {
  for (const keep of [0, 1.5, Infinity]) {
    assert.throws(() => new Checkpoints({ folder: "x", keep }), {
      name: "RangeError",
      message: `Cannot keep checkpoints: keep must be an integer of 1 or more, got ${keep}`,
    });
  }
  for (const name of ["model", "carried", "optimizer", "batches", "a.b", ""]) {
    assert.throws(() => new Checkpoints({ folder: "x", parts: { [name]: counter(1) } }), {
      name: "RangeError",
      message:
        `Cannot keep checkpoints: names of parts must be letters, digits or _, and not model, carried, optimizer, batches, got "${name}"`,
    });
  }
  assert.throws(
    () => new Checkpoints({ folder: "x", everySteps: 0 }),
    /everySteps must be an integer of 1 or more, got 0/,
  );
});

function setUp(folder: string, learningRate: number | Schedule = 0.1, rule = adam()) {
  const random = new Random(1);
  const model = new Dense({ inputSize: 1, outputSize: 1, random });
  const optimizer = new Optimizer(model.parameters(), [rule], { learningRate });
  const batches: Batch[] = Array.from({ length: 5 }, (_, i) => ({ x: tensor([[i]]), y: tensor([[2 * i]]) }));
  const checkpoints = new Checkpoints({ folder, everySteps: 2 });
  return { model, optimizer, loss: meanSquaredError, batches, checkpoints };
}

Deno.test("train writes a checkpoint every everySteps steps and after each epoch, and resumes in the middle of one", () =>
  withFolder(async (folder) => {
    const whole = setUp(`${folder}/whole`);
    const events = await Array.fromAsync(train({ ...whole, validation: whole.batches, epochs: 2 }));
    assert.deepEqual(
      events.filter(({ type }) => type !== "step").map((event) => [event.type, event.epoch, event.step]),
      [
        ...[["checkpoint", 1, 2], ["checkpoint", 1, 4], ["validation", 1, 5], ["epoch", 1, 5], ["checkpoint", 1, 5]],
        ...[["checkpoint", 2, 6], ["checkpoint", 2, 8], ["checkpoint", 2, 10], ["validation", 2, 10], ["epoch", 2, 10]],
        ...[["checkpoint", 2, 10], ["done", 2, 10]],
      ],
    );
    const left = setUp(`${folder}/left`);
    for await (const event of train({ ...left, epochs: 2 })) if (event.type === "step" && event.step === 8) break;
    const again = setUp(`${folder}/left`);
    const rest = await Array.fromAsync(train({ ...again, epochs: 2, resume: true }));
    assert.deepEqual([rest[0]!.type, rest[0]!.step], ["step", 7]);
    assert.deepEqual(again.model.weight.data, whole.model.weight.data);
    const epochOf = (all: TrainEvent[]) => all.filter(({ type, epoch }) => type === "epoch" && epoch === 2)[0]!.loss;
    assert.equal(epochOf(rest), epochOf(events));

    const over = await Array.fromAsync(train({ ...setUp(`${folder}/left`), epochs: 2, resume: true }));
    assert.deepEqual(over, [{ type: "done", epoch: 2, step: 10, loss: epochOf(events), finished: true }]);
    await assert.rejects(() => Array.fromAsync(train({ ...setUp(`${folder}/left`), epochs: 3 })), {
      name: "CheckpointError",
      message: /^Cannot train from the start: .*\/left must hold no checkpoints/,
    });
  }));

Deno.test("an error in the data names the last good checkpoint", () =>
  withFolder(async (folder) => {
    const rest = setUp(folder, 0.01, sgd());
    const batches = [...rest.batches, { x: tensor([[NaN]]), y: tensor([[1]]) }];
    await assert.rejects(() => Array.fromAsync(train({ ...rest, batches, epochs: 1 })), {
      name: "RangeError",
      message:
        /^Cannot train: x of the batch must hold finite values, got NaN at \[0, 0\], in epoch 1 at step 6; .*; the last good checkpoint is .*checkpoint-000000004/,
    });
    await rest.checkpoints.restore({
      model: { state: () => new Map(), load: () => {} },
      optimizer: rest.optimizer,
    });
    assert.equal(rest.optimizer.steps, 4);
  }));

Deno.test("a run that ends after the last batch of an epoch resumes with its validation", () =>
  withFolder(async (folder) => {
    const series = { data: Float32Array.from({ length: 21 }, (_, i) => i / 20), columns: 1 };
    const start = (name: string) => {
      const windows = () =>
        new Windows({ features: series, targets: series, past: 1, batchSize: 4, random: new Random(1) });
      const { model, optimizer, loss } = setUp(folder);
      const flat = { forward: (x: Tensor) => model.forward(reshape(x, [4, 1])), parameters: () => model.parameters() };
      const checkpoints = new Checkpoints({ folder: `${folder}/${name}`, everySteps: 5 });
      return {
        model: flat as Layer,
        optimizer,
        loss,
        batches: windows(),
        validation: windows(),
        checkpoints,
        epochs: 2,
      };
    };
    const whole = start("whole");
    const events = await Array.fromAsync(train(whole));
    for await (const event of train(start("left"))) if (event.type === "checkpoint") break;
    const again = start("left");
    const rest = await Array.fromAsync(train({ ...again, resume: true }));
    const kept = (all: TrainEvent[]) => all.map(({ type, step, loss }) => [type, step, loss]);
    assert.equal(rest[0]!.type, "validation");
    assert.deepEqual(kept(rest), kept(events.slice(6)));
    assert.deepEqual(again.model.parameters().weight!.data, whole.model.parameters().weight!.data);
  }));

Deno.test("a file of another format is refused", () =>
  withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/checkpoint-000000001.safetensors`, await encodeChecked([], { format: "another" }));
    await assert.rejects(() => new Checkpoints({ folder }).restore({}), {
      message: /: its format must be "unfold checkpoint 1", got "another"$/,
    });
  }));

Deno.test("no name or value of a checkpoint reaches a message with control characters or at any length", () =>
  withFolder(async (folder) => {
    const value = { shape: [1], data: Float32Array.of(1) };
    const own = { format: "unfold checkpoint 1", config: "{}", progress: "{}" };
    const files: [tensors: [string, typeof value][], metadata: Record<string, string>][] = [
      [[], { ...own, format: HOSTILE }],
      [[], { ...own, config: HOSTILE }],
      [[], { ...own, progress: HOSTILE }],
      [[], { ...own, config: JSON.stringify({ [HOSTILE]: HOSTILE }) }],
      [Array.from({ length: 1000 }, (_, i) => [`${i}${HOSTILE.slice(0, 50)}`, value]), own],
      [[[`part.${HOSTILE}`, value]], own],
    ];
    const part = {
      state: () => new Map(),
      load: (state: ReadonlyMap<string, unknown>) => {
        throw new TypeError(`Cannot load: it must be empty, got ${[...state.keys()].join(", ")}`);
      },
    };
    for (const [tensors, metadata] of files) {
      await Deno.writeFile(`${folder}/checkpoint-000000001.safetensors`, await encodeChecked(tensors, metadata));
      await assert.rejects(() => new Checkpoints({ folder }).restore({ part }), ({ name, message }: Error) => {
        assert.equal(name, "CheckpointError");
        // A name of 40 characters takes up to 240 when escaped.
        assertPrintable(message.slice(0, 999));
        assert.ok(message.length < 6000, `it must be short, got ${message.length} characters`);
        return true;
      });
    }
    assertThrowsPrintable(() => checkProgress({ epoch: HOSTILE }, "a"));
    assertThrowsPrintable(() => loadScaler({ kind: HOSTILE }));
    assertThrowsPrintable(() => loadScaler({ kind: "log", offset: HOSTILE }));
    assertThrowsPrintable(() => loadScaler({ kind: "standard", mean: [HOSTILE], deviation: HOSTILE }));
  }));

Deno.test("weights that are not finite, and batches of a step that the optimizer has not, are refused when resuming", () =>
  withFolder(async (folder) => {
    for await (const event of train({ ...setUp(folder), epochs: 1 })) if (event.type === "checkpoint") break;
    const [path] = await new Checkpoints({ folder }).list();
    const { tensors, metadata: { sha256: _, ...metadata } } = decodeSafetensors(await Deno.readFile(path!));
    const group = (batches: number) => {
      const progress = { ...JSON.parse(metadata.progress!), group: { batches, counted: 4, unit: 0.5 } };
      return { ...metadata, progress: JSON.stringify(progress) };
    };
    const weight = { ...tensors.get("model.weight")!, data: Float32Array.of(NaN) };
    const cases = [
      [
        new Map([...tensors, ["model.weight", weight] as const]),
        metadata,
        /: weight must hold finite values, got a norm of NaN$/,
      ],
      [tensors, group(1), /: its progress must have the 0 batches of the optimizer's next step, got 1$/],
      [tensors, group(1.5), /: its progress must be that of a run of train\(\), got /],
    ] as const;
    for (const [changed, fields, message] of cases) {
      await Deno.writeFile(path!, await encodeChecked(changed, fields));
      await assert.rejects(() => Array.fromAsync(train({ ...setUp(folder), epochs: 1, resume: true })), {
        name: "CheckpointError",
        message,
      });
    }
    await Deno.writeFile(path!, await encodeChecked(tensors, metadata));
    await Array.fromAsync(train({ ...setUp(folder), epochs: 1, resume: true }));
  }));

Deno.test("weights that are not finite are never saved", () =>
  withFolder(async (folder) => {
    const rate = (step: number) => step < 3 ? 0.01 : 1e39;
    await assert.rejects(() => Array.fromAsync(train({ ...setUp(folder, rate, sgd()), epochs: 1 })), {
      name: "RangeError",
      message: /^Cannot continue training: .*; the last good checkpoint is .*checkpoint-000000002.safetensors$/,
    });
    const last = { ...setUp(`${folder}/last`, 1e39, sgd()), epochs: 1 };
    const batches = [{ x: tensor([[1]]), y: tensor([[2]]) }];
    const { checkpoints: _, ...without } = last;
    await assert.rejects(() => Array.fromAsync(train({ ...without, batches })), {
      message: /^Cannot continue training: weight must hold finite values, got a norm of (Infinity|NaN) at step 2/,
    });
  }));

Deno.test("resuming without checkpoints is refused, and so is a validation loss that is not finite", async () => {
  const { checkpoints: _, ...rest } = setUp("x");
  assert.throws(() => train({ ...rest, epochs: 1, resume: "nowhere" }), {
    name: "TypeError",
    message: "Cannot train: checkpoints must be given to resume a run, got none",
  });
  const validation = [{ x: tensor([[NaN]]), y: tensor([[1]]) }];
  await assert.rejects(() => Array.fromAsync(train({ ...rest, epochs: 1, validation })), {
    message:
      "Cannot train: in the validation data, x of the batch must hold finite values, got NaN at [0, 0], in epoch 1 at " +
      "step 6; remove or fill in such values",
  });
});

Deno.test("an error right after resuming names the checkpoint that the run resumed from", () =>
  withFolder(async (folder) => {
    for await (const event of train({ ...setUp(folder), epochs: 1 })) if (event.type === "checkpoint") break;
    const { batches, ...rest } = setUp(folder);
    const spoiled = batches.map((batch, i) => i === 2 ? { x: tensor([[NaN]]), y: tensor([[1]]) } : batch);
    await assert.rejects(() => Array.fromAsync(train({ ...rest, batches: spoiled, epochs: 1, resume: true })), {
      message: /in epoch 1 at step 3; .*; the last good checkpoint is .*checkpoint-000000002.safetensors$/,
    });
  }));

Deno.test("a timer can abort a run whose batches are all in memory", async () => {
  const { checkpoints: _, ...rest } = setUp("x");
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 150);
  const events = train({ ...rest, epochs: 10_000_000, signal: controller.signal });
  let last: TrainEvent | undefined;
  for await (const event of events) last = event;
  assert.ok(last?.type === "done" && !last.finished);
});

Deno.test("a checkpoint has the architecture of a model whose layers describe themselves", () =>
  withFolder(async (folder) => {
    const architectures: [describe: () => unknown, stored: string | undefined][] = [
      [() => ({ type: "Mine", size: 1 }), '{"type":"Mine","size":1}'],
      [() => {
        throw new TypeError("Cannot describe Mine");
      }, undefined],
    ];
    for (const [i, [architecture, stored]] of architectures.entries()) {
      const run = setUp(`${folder}/${i}`);
      const model = Object.assign(run.model, { architecture });
      let path = "";
      for await (const event of train({ ...run, model, epochs: 1 })) if (event.type === "checkpoint") path = event.path;
      const { metadata, tensors } = decodeSafetensors(await Deno.readFile(path));
      assert.equal(metadata.architecture, stored);
      assert.ok(tensors.has("model.weight"));
      const again = setUp(`${folder}/${i}`);
      const events = await Array.fromAsync(train({ ...again, epochs: 2, resume: true }));
      assert.equal(events.at(-1)!.step, 10);
    }
  }));

Deno.test("loadModel opens a checkpoint", () =>
  withFolder(async (folder) => {
    const run = setUp(folder);
    let path = "";
    for await (const event of train({ ...run, epochs: 1 })) if (event.type === "checkpoint") path = event.path;
    const model = loadModel(await Deno.readFile(path), { file: path });
    const x = tensor([[1], [5]]);
    assert.deepEqual(predict(model, x).data, predict(run.model, x).data);
  }));

Deno.test("a run of weighted targets resumes within a group: counts have fractions, and losses can be negative", () =>
  withFolder(async (folder) => {
    const loss: Loss = (prediction, target, options) => {
      const error = meanSquaredError(prediction, target, options);
      const shifted = subtract(error, tensor(1000));
      return Object.assign(shifted, { count: error.count });
    };
    const start = (name: string) => {
      const { model, batches } = setUp(folder);
      return {
        model,
        optimizer: new Optimizer(model.parameters(), [adam()], { learningRate: 0.1, accumulate: 4, takeOver: true }),
        loss,
        // The first batch of an epoch does not count.
        batches: batches.map((batch, i) => ({ ...batch, weights: tensor([i / 8]) })),
        checkpoints: new Checkpoints({ folder: `${folder}/${name}` }),
        epochs: 2,
      };
    };
    const whole = start("whole");
    const events = await Array.fromAsync(train(whole));
    const controller = new AbortController();
    let [batches, path] = [0, ""];
    for await (const event of train({ ...start("left"), signal: controller.signal })) {
      if (event.type === "step" && ++batches === 7) controller.abort();
      if (event.type === "checkpoint") path = event.path;
    }
    const progress = JSON.parse(decodeSafetensors(await Deno.readFile(path)).metadata.progress!);
    assert.deepEqual([progress.batches, progress.uncounted, progress.targets], [2, 1, 1 / 8]);
    assert.deepEqual([progress.group.batches, progress.group.counted], [1, 1 / 8]);
    assert.ok(progress.total < 0, `${progress.total}`);
    const again = start("left");
    const rest = await Array.fromAsync(train({ ...again, resume: true }));
    assert.deepEqual(again.model.weight.data, whole.model.weight.data);
    assert.deepEqual(rest.at(-1), events.at(-1));
  }));

Deno.test("a checkpoint whose fields are not those of a run is refused", () =>
  withFolder(async (folder) => {
    const { model, optimizer, ...rest } = setUp(folder);
    const parts = { model: { state: () => new Map(Object.entries(model.parameters())), load: () => {} }, optimizer };
    const sound = { epoch: 1, batches: 2, uncounted: 0, total: 1, targets: 2, over: false, before: null, group: null };
    await rest.checkpoints.save(1, parts, sound);
    const resume = async () => {
      const events = train({ ...rest, model, optimizer, epochs: 1, resume: true });
      try {
        return await events.next();
      } finally {
        await events.return();
      }
    };
    assert.equal((await resume()).value?.type, "step");
    const changes: object[] = [
      { epoch: 0 },
      { epoch: "1" },
      { batches: -1 },
      { batches: 1.5 },
      { uncounted: undefined },
      { uncounted: 3 },
      { uncounted: 2 },
      { batches: 0 },
      { batches: 0, total: 0, targets: 0, over: true },
      { targets: -1 },
      { targets: 0 },
      { total: null },
      { over: 1 },
      { before: "no" },
      { group: undefined },
      { group: { batches: 1, counted: 0, unit: 1 } },
      { group: { batches: 1.5, counted: 1, unit: 1 } },
      { group: { batches: 1, counted: -1, unit: 1 } },
      { group: { batches: 1, counted: 1 } },
    ];
    for (const change of changes) {
      await rest.checkpoints.save(1, parts, { ...sound, ...change });
      await assert.rejects(resume(), {
        name: "CheckpointError",
        message:
          /^Cannot resume from .*checkpoint-000000001.safetensors: its progress must be that of a run of train\(\), got \{/,
      });
    }
    for (const progress of [3, [sound], null]) {
      await rest.checkpoints.save(1, parts, progress);
      await assert.rejects(
        resume(),
        /^CheckpointError: Cannot resume from .*: its progress must be a JSON object, got /,
      );
    }
  }));
