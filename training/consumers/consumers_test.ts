import { Random, tensor } from "@unfold/core";
import { Dense, meanSquaredError } from "@unfold/layers";
import { Optimizer, sgd } from "@unfold/optimizers";
import {
  consume,
  type Consumer,
  history,
  jsonLines,
  progressBar,
  tensorBoard,
  train,
  type TrainEvent,
} from "@unfold/training";
import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";

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

Deno.test("consume passes every event to every consumer, and ends when one returns stop", async () => {
  const model = new Dense({ inputSize: 1, outputSize: 1, random: new Random(1) });
  const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
  const batches = [{ x: tensor([[1]]), y: tensor([[2]]) }];
  const seen: string[][] = [[], []];
  const watch = (index: number): Consumer => (event) => {
    seen[index]!.push(`${event.type} ${event.epoch}`);
    if (index === 0 && event.type === "epoch" && event.epoch === 2) return "stop";
  };
  const events = train({ model, optimizer, loss: meanSquaredError, batches, epochs: 5 });
  const last = await consume(events, watch(0), async (event) => watch(1)(await Promise.resolve(event)));
  assert.deepEqual(seen[0], ["step 1", "epoch 1", "step 2", "epoch 2"]);
  assert.deepEqual(seen[1], seen[0]);
  assert.deepEqual([last?.type, last?.epoch], ["epoch", 2]);
  assert.equal(await consume((async function* () {})()), undefined);
});

Deno.test("history records the losses, and continues from a saved state", () => {
  const [first, second] = [history(), history()];
  for (const event of [step, epochEvent(1, undefined, 3), epochEvent(2, 0.5, 2), done]) first(event);
  assert.deepEqual(first.epochs, [{ epoch: 1, loss: 3 }, { epoch: 2, loss: 2, validationLoss: 0.5 }]);
  second.load(first.state());
  second(epochEvent(3, 0.25));
  assert.deepEqual(second.epochs, [...first.epochs, { epoch: 3, loss: 1, validationLoss: 0.25 }]);
  assert.throws(() => second.load(new Map()), {
    message: "Cannot restore the history: its state must have epochs of shape [n, 3], got none",
  });
  const saved = (shape: number[], ...values: number[]) =>
    new Map([["epochs", { shape, data: Float64Array.from(values) }]]);
  for (const [shape, length] of [[[3], 3], [[1, 3], 6], [[1, 1, 3], 3], [[3, 1], 3]] as const) {
    assert.throws(
      () => second.load(saved([...shape], ...Array(length).fill(1))),
      /must have epochs of shape \[n, 3\], got/,
    );
  }
  // The same epoch twice, and epochs that are none.
  for (const [epoch, before] of [[1, 1], [0.5, 1], [NaN, 1], [-1, 1], [2 ** 53, 1]] as const) {
    assert.throws(() => second.load(saved([2, 3], before, 3, NaN, epoch, 2, NaN)), {
      name: "TypeError",
      message:
        `Cannot restore the history: its epochs must be integers, each above the one before, got ${epoch} after 1`,
    });
  }
  assert.throws(() => second.load(saved([1, 3], 0, 1, 1)), /each above the one before, got 0 after 0$/);
  assert.equal(second.epochs.length, 3);
});

Deno.test("jsonLines appends one line per event", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.jsonl`;
    for (const event of [step, epochEvent(1, NaN), done]) jsonLines(path)(event);
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ time, ...event }) => [typeof time, event]), [
      ["string", step],
      ["string", { ...epochEvent(1, undefined), validationLoss: null }],
      ["string", done],
    ]);
  }));

/** CRC-32C, bit by bit from its definition. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x82f63b78n : 0n);
  }
  return Number(crc ^ 0xffffffffn);
}

function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated << 15) | (rotated >>> 17)) >>> 0;
}

/** The fields of a protocol buffer by number: numbers for varints, bytes for the rest. */
function fieldsOf(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = () => {
    let [value, scale] = [0, 1];
    for (;; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const kind = key & 7;
    const length = kind === 0 ? 0 : kind === 1 ? 8 : kind === 5 ? 4 : varint();
    const value = kind === 0 ? varint() : bytes.slice(at, at += length);
    fields.set(key >> 3, [...fields.get(key >> 3) ?? [], value]);
  }
  return fields;
}

/** The records of a TFRecord file. Checks every checksum. */
function recordsOf(bytes: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    assert.equal(unmask(view.getUint32(at + 8, true)), crc32c(bytes.slice(at, at + 8)));
    const data = bytes.slice(at + 12, at + 12 + length);
    assert.equal(unmask(view.getUint32(at + 12 + length, true)), crc32c(data));
    records.push(data);
    at += length + 16;
  }
  return records;
}

Deno.test("the test's own checksum is CRC-32C (RFC 3720, appendix B.4)", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
});

Deno.test("a reader written from the format's specification reads tensorBoard's files", () =>
  withFolder(async (folder) => {
    const board = tensorBoard(`${folder}/runs/a`);
    const far = { ...step, step: 300_000, loss: 1e-3 };
    const before = Date.now() / 1000;
    const events: TrainEvent[] = [
      step,
      far,
      { type: "validation", epoch: 1, step: 3, loss: 0.75 },
      epochEvent(1, 0.75, 0.5),
      { type: "checkpoint", epoch: 1, step: 3, loss: 0.5, path: "x" },
      done,
    ];
    for (const event of events) board(event);
    const [{ name }] = [...Deno.readDirSync(`${folder}/runs/a`)] as [Deno.DirEntry];
    const text = (bytes: number | Uint8Array) => new TextDecoder().decode(bytes as Uint8Array);
    const [version, ...rest] = recordsOf(await Deno.readFile(`${folder}/runs/a/${name}`)).map(fieldsOf);
    assert.equal(text(version!.get(3)![0]!), "brain.Event:2");
    const float = (bytes: number | Uint8Array) => new DataView((bytes as Uint8Array).buffer).getFloat32(0, true);
    const scalars = rest.map((event) => {
      const time = new DataView((event.get(1)![0] as Uint8Array).buffer).getFloat64(0, true);
      assert.ok(time >= before && time <= Date.now() / 1000);
      const values = fieldsOf(event.get(5)![0] as Uint8Array).get(1)!.map((value) => fieldsOf(value as Uint8Array));
      return [event.get(2)![0], ...values.flatMap((value) => [text(value.get(1)![0]!), float(value.get(2)![0]!)])];
    });
    assert.deepEqual(scalars, [
      [3, "loss", 0.25, "learning rate", 0.125],
      [300_000, "loss", Math.fround(1e-3), "learning rate", 0.125],
      [3, "epoch/validation loss", 0.75],
      [1, "epoch/loss", 0.5],
    ]);
  }));

Deno.test("without a terminal the progress bar prints one line per epoch, without control codes", () => {
  const written: string[] = [];
  const progress = progressBar({
    epochs: 12,
    samples: 10,
    output: { terminal: false, write: (text) => written.push(text) },
  });
  for (const event of [step, epochEvent(1, 0.5), { ...step, epoch: 12 }, epochEvent(12, undefined), done]) {
    progress(event);
  }
  progress({ ...done, finished: false } as TrainEvent);
  const [first, last, stopped, ...none] = written;
  assert.match(first!, /^epoch {2}1\/12 {2}loss 1.0000 {2}validation 0.5000 {2}[\d,∞]+ samples\/s {2}.* left\n$/);
  assert.match(last!, /^epoch 12\/12 {2}loss 1.0000 {2}[\d,∞]+ samples\/s {2}\d+ s total\n$/);
  assert.deepEqual([stopped, none], ["stopped in epoch 9 after step 9\n", []]);
});

Deno.test("on a terminal the progress bar overwrites its line at most ten times a second", () => {
  const written: string[] = [];
  const progress = progressBar({
    epochs: 2,
    samples: 10,
    output: { terminal: true, write: (text) => written.push(text) },
  });
  for (let i = 0; i < 1000; i++) progress(step);
  assert.ok(written.length <= 2, `${written.length}`);
  progress(epochEvent(1, undefined));
  assert.ok(written.at(-1)!.startsWith("\repoch 1/2 ") && written.at(-1)!.endsWith(" left\x1b[K\n"));
});
