import { formatShape } from "@unfold/core";
import {
  bytesField,
  doubleField,
  type Encoded,
  floatField,
  integerField,
  message,
  printable,
  toBytes,
} from "@unfold/core/support";
import { nodeModules } from "../_node.ts";
import type { State, Stateful } from "../stateful.ts";
import type { Consumer } from "./consume.ts";

/** The losses of one epoch. */
export interface EpochLosses {
  /** The epoch, from 1. */
  readonly epoch: number;
  /** The mean training loss. */
  readonly loss: number;
  /** The mean loss on the validation data, if any. */
  readonly validationLoss?: number;
}

/** The result of {@linkcode history}. */
export interface History extends Consumer, Stateful {
  /** The learning curve: the losses of the epochs so far. */
  readonly epochs: readonly EpochLosses[];
}

/**
 * Records the losses of each epoch. If checkpoints include its state, a resumed run has the earlier epochs too.
 *
 * @returns A consumer of training events.
 *
 * @example
 * ```ts
 * import { tensor } from "@unfold/core";
 * import { Dense, meanSquaredError } from "@unfold/layers";
 * import { Optimizer, sgd } from "@unfold/optimizers";
 * import { consume, history, train } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const model = new Dense({ inputSize: 1, outputSize: 1 });
 * const optimizer = new Optimizer(model.parameters(), [sgd()], { learningRate: 0.1 });
 * const batches = [{ x: tensor([[0], [1], [2]]), y: tensor([[1], [3], [5]]) }];
 * const curve = history();
 * await consume(train({ model, optimizer, loss: meanSquaredError, batches, epochs: 3 }), curve);
 * assert.deepEqual(curve.epochs.map(({ epoch }) => epoch), [1, 2, 3]);
 * assert.ok(curve.epochs[2]!.loss < curve.epochs[0]!.loss);
 * ```
 */
export function history(): History {
  let epochs: EpochLosses[] = [];
  const consumer: Consumer = (event) => {
    if (event.type !== "epoch") return;
    const { epoch, loss, validationLoss } = event;
    epochs.push({ epoch, loss, ...(validationLoss !== undefined && { validationLoss }) });
  };
  return Object.defineProperties(consumer, {
    epochs: { get: () => epochs },
    state: {
      value: (): State => {
        // NaN means no validation.
        const data = Float64Array.from(epochs.flatMap((one) => [one.epoch, one.loss, one.validationLoss ?? NaN]));
        return new Map([["epochs", { shape: [epochs.length, 3], data }]]);
      },
    },
    load: {
      value: (state: State) => {
        const { data, shape } = state.get("epochs") ?? {};
        if (!(data instanceof Float64Array) || shape?.length !== 2 || shape[1] !== 3 || data.length !== 3 * shape[0]!) {
          const got = shape === undefined ? "none" : printable(formatShape(shape));
          throw new TypeError(`Cannot restore the history: its state must have epochs of shape [n, 3], got ${got}`);
        }
        const loaded = Array.from({ length: shape[0]! }, (_, i) => {
          const [epoch, loss, validationLoss] = data.subarray(3 * i) as unknown as [number, number, number];
          return { epoch, loss, ...(!Number.isNaN(validationLoss) && { validationLoss }) };
        });
        loaded.forEach(({ epoch }, i) => {
          const before = loaded[i - 1]?.epoch ?? 0;
          if (Number.isSafeInteger(epoch) && epoch > before) return;
          throw new TypeError(
            `Cannot restore the history: its epochs must be integers, each above the one before, got ${epoch} after ${before}`,
          );
        });
        epochs = loaded;
      },
    },
  }) as History;
}

/**
 * Appends one line of JSON per event to a file: the event and its `time`. Values that are not finite become null. A resumed run
 * appends to the same file, so the steps after its last checkpoint appear twice.
 *
 * @param path The file.
 * @returns A consumer of training events.
 * @throws {Error} In a browser, which has no files.
 *
 * @example
 * ```ts
 * import { jsonLines } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const file = await Deno.makeTempFile();
 * const log = jsonLines(file);
 * log({ type: "validation", epoch: 1, step: 10, loss: 0.5 });
 * const { time, ...event } = JSON.parse(await Deno.readTextFile(file));
 * assert.deepEqual(event, { type: "validation", epoch: 1, step: 10, loss: 0.5 });
 * assert.ok(Date.parse(time) <= Date.now());
 * await Deno.remove(file);
 * ```
 */
export function jsonLines(path: string): Consumer {
  const { fs } = nodeModules(`write to ${path}`);
  return (event) => {
    fs.appendFileSync(path, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
  };
}

/**
 * Writes an event file for TensorBoard: the scalars `loss` and `learning rate` of each step, and `epoch/loss` and
 * `epoch/validation loss` after each epoch, over the optimizer's steps. Each run of the program writes a new file.
 *
 * The format is TFRecord: the length of a record, its CRC-32C, the record, its CRC-32C. A record is an `Event` protocol buffer.
 *
 * @param folder The folder for the file; created if missing. Pass it, or its parent, to `tensorboard --logdir`.
 * @returns A consumer of training events.
 * @throws {Error} In a browser, which has no files.
 *
 * @example
 * ```ts
 * import { tensorBoard } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * tensorBoard(folder)({ type: "validation", epoch: 1, step: 10, loss: 0.5 });
 * const [{ name }] = [...Deno.readDirSync(folder)] as [Deno.DirEntry];
 * assert.match(name, /^events\.out\.tfevents\.\d+\./);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function tensorBoard(folder: string): Consumer {
  const { fs } = nodeModules(`write to ${folder}`);
  fs.mkdirSync(folder, { recursive: true });
  const seconds = Math.floor(Date.now() / 1000);
  const unique = crypto.randomUUID().slice(0, 8);
  const path = `${folder}/events.out.tfevents.${seconds}.unfold.${unique}`;
  const append = (...fields: Encoded[]) => {
    const time = doubleField(1, Date.now() / 1000);
    fs.appendFileSync(path, record(toBytes(message(time, ...fields))));
  };
  append(bytesField(3, "brain.Event:2"));
  return (event) => {
    const scalars: Record<string, number> = {};
    if (event.type === "step") Object.assign(scalars, { loss: event.loss, "learning rate": event.learningRate });
    else if (event.type === "epoch") scalars["epoch/loss"] = event.loss;
    else if (event.type === "validation") scalars["epoch/validation loss"] = event.loss;
    else return;
    const values = Object.entries(scalars).map(([tag, value]) =>
      bytesField(1, message(bytesField(1, tag), floatField(2, value)))
    );
    append(integerField(2, event.step), bytesField(5, message(...values)));
  };
}

/** A record with its length and two checksums. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return bytes;
}

/** CRC-32C of each byte, with Castagnoli's polynomial bit-reversed. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** The CRC-32C, rotated and offset as TFRecord requires, so that data may itself contain checksums. */
function maskedCrc(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
