import {
  decodeSafetensors,
  type DType,
  encodeSafetensors,
  memoryStats,
  type NestedArray,
  Random,
  type SafetensorsInput,
} from "@unfold/core";
import assert from "node:assert/strict";
import type { Batch } from "../batch.ts";
import type { State, Stateful } from "../stateful.ts";
import { PaddedBatches } from "./padded_batches.ts";
import { TokenStream } from "./token_stream.ts";
import { Windows } from "./windows.ts";

type Source = Iterable<Batch<DType>> & Stateful;

const series = { data: Float32Array.from({ length: 23 }, (_, i) => i), columns: 1 };
const sequences = Array.from({ length: 14 }, (_, i) => Array.from({ length: 1 + i * 5 % 7 }, () => i));
const windows = { features: series, targets: series, past: 3, batchSize: 4 };
const padded = { sequences, targets: sequences.map((_, i) => i), batchSize: 4, bucket: 2 };

/** Every kind of source, in order and, if it can, shuffled. */
const SOURCES: Record<string, (random: Random) => Source> = {
  "windows": () => new Windows(windows),
  "windows, shuffled": (random) => new Windows({ ...windows, random, horizon: 2, stride: 2, batchSize: 3 }),
  "a stream of tokens": () => new TokenStream({ tokens: Uint8Array.from(series.data), batchSize: 2, time: 4 }),
  "padded batches": () => new PaddedBatches(padded),
  "padded batches, shuffled": (random) => new PaddedBatches({ ...padded, random }),
};

function contents({ x, y, lengths, first }: Batch<DType>): [NestedArray, NestedArray, unknown, unknown] {
  return [x.toArray(), y.toArray(), lengths, first];
}

function pass(source: Source) {
  return Array.from(source, contents);
}

function saved(source: Source): State {
  return decodeSafetensors(encodeSafetensors(source.state())).tensors;
}

for (const [name, make] of Object.entries(SOURCES)) {
  Deno.test(`${name}: a state saved after any batch restores the rest of the pass and the passes after it, bit for bit`, () => {
    const random = new Random(5);
    const source = make(random);
    const states = [saved(source)];
    const whole = [1, 2, 3].flatMap(() =>
      Array.from(source, (batch) => {
        states.push(saved(source));
        return contents(batch);
      })
    );
    assert.ok(whole.length >= 9);
    states.forEach((state, done) => {
      const otherRandom = new Random(99);
      const other = make(otherRandom);
      other.load(state);
      assert.deepEqual(saved(other), state);
      const rest: unknown[] = [];
      while (rest.length < whole.length - done) rest.push(...pass(other));
      assert.deepEqual(rest, whole.slice(done));
      if (state.has("random")) assert.deepEqual(otherRandom.state, random.state);
    });
  });

  Deno.test(`${name}: leaving a pass ends it and releases its tensors`, () => {
    const source = make(new Random(5));
    const before = memoryStats().blocks;
    pass(source);
    for (const _ of source) break;
    assert.equal(memoryStats().blocks, before);
    assert.deepEqual(source.state().get("position")?.data, Float64Array.of(0));
    assert.equal(pass(source).length, pass(source).length);
  });

  Deno.test(`${name}: a state loaded during a pass takes effect after it`, () => {
    const [source, other] = [make(new Random(5)), make(new Random(5))];
    for (const _ of source) {
      source.load(source.state());
      break;
    }
    assert.deepEqual(pass(source), pass(other).slice(1));
  });
}

Deno.test("a Random that others draw from too can be restored after the batches", () => {
  const run = (source: Source, random: Random) => Array.from(source, (batch) => [contents(batch), random.uniform()]);
  const [random, otherRandom] = [new Random(5), new Random(6)];
  const [source, other] = [new Windows({ ...windows, random }), new Windows({ ...windows, random: otherRandom })];
  let state: State | undefined;
  let midPass = random.state;
  const whole = Array.from(source, (batch) => {
    const result = [contents(batch), random.uniform()];
    if (state === undefined) [state, midPass] = [source.state(), random.state];
    return result;
  });
  other.load(state!);
  otherRandom.state = midPass;
  assert.deepEqual(run(other, otherRandom), whole.slice(1));
  assert.deepEqual(otherRandom.state, random.state);
});

Deno.test("a state that does not fit is refused and changes nothing", () => {
  const random = new Random(5);
  const source = new Windows({ ...windows, random });
  const refuse = (name: string, message: string, changes: Record<string, SafetensorsInput | undefined>) => {
    const before = source.state();
    const state = new Map(before);
    for (const [key, entry] of Object.entries(changes)) {
      if (entry === undefined) state.delete(key);
      else state.set(key, entry);
    }
    assert.throws(() => source.load(state), { name, message });
    assert.deepEqual(source.state(), before);
  };
  const position = (...data: number[]) => ({ position: { shape: [], data: Float64Array.from(data) } });
  const prefix = "Cannot load the state of batches: ";
  for (const _ of source) {
    refuse("TypeError", `${prefix}position must have shape [] in a Float64Array, got nothing`, { position: undefined });
    refuse("TypeError", `${prefix}position must have shape [] in a Float64Array, got shape [] in a Float32Array`, {
      position: { shape: [], data: Float32Array.of(1) },
    });
    refuse("TypeError", `${prefix}random must have shape [4] in a Uint32Array, got shape [2] in a Uint32Array`, {
      random: { shape: [2], data: new Uint32Array(2) },
    });
    refuse("TypeError", `${prefix}order must not be in it, these batches have no such state`, {
      order: { shape: [1], data: new Uint32Array(1) },
    });
    for (const value of [-1, 1.5, 6, NaN]) {
      refuse("RangeError", `${prefix}position must be an integer from 0 to 5, got ${value}`, position(value));
    }
    refuse("RangeError", "Cannot restore Random: state must be four 32-bit integers, not all 0, got [0, 0, 0, 0]", {
      random: { shape: [4], data: new Uint32Array(4) },
    });
  }
  assert.throws(() => new Windows(windows).load(source.state()), { message: /random must not be in it/ });
});

Deno.test("sources do not copy their data: over 200 MB, only the current batch takes memory", () => {
  const tokens = new Uint8Array(200e6);
  const features = { data: new Float32Array(50e6), columns: 1 };
  const sources = {
    stream: new TokenStream({ tokens, batchSize: 8, time: 16 }),
    windows: new Windows({ features, targets: features, past: 16, batchSize: 8 }),
    padded: new PaddedBatches({
      sequences: Array.from({ length: 1000 }, (_, i) => tokens.subarray(i * 1000, i * 1000 + 16)),
      targets: new Uint8Array(1000),
      batchSize: 8,
      random: new Random(1),
    }),
  };
  for (const source of Object.values(sources)) {
    const before = memoryStats();
    for (const _ of source) {
      assert.ok(memoryStats().blocks - before.blocks < 4096);
      break;
    }
    assert.deepEqual(memoryStats(), before);
  }
});
