import { decodeSafetensors, loadParameters, Random, type SafetensorsInput } from "@unfold/core";
import { Dense, Dropout, Embedding, GRU, LayerNorm, LSTM, Sequential, SimpleRNN } from "@unfold/layers";
import { fromKeras, toKeras } from "@unfold/layers/interchange";
import h5 from "h5wasm";
import assert from "node:assert/strict";
import { assertEqual, forward, type Numbers } from "../../../tools/testing.ts";

const { FS } = await h5.ready;

/** The arrays of an HDF5 file by path, read as in the README. */
function readH5(bytes: Uint8Array<ArrayBuffer>): Map<string, SafetensorsInput> {
  FS.writeFile("weights.h5", bytes);
  const file = new h5.File("weights.h5", "r");
  if (file.file_id < 0n) throw new Error("Cannot read weights.h5: it must be a complete HDF5 file");
  try {
    return new Map(
      file.paths().flatMap((path) => {
        const found = file.get(path);
        if (found === null) throw new Error(`Cannot read weights.h5: ${path} is damaged`);
        if (!(found instanceof h5.Dataset)) return [];
        return [[path, { shape: found.shape!, data: found.value as Float32Array<ArrayBuffer> }]];
      }),
    );
  } finally {
    file.close();
  }
}

const folder = new URL("../testdata/", import.meta.url);
const golden = decodeSafetensors(Deno.readFileSync(new URL("keras.safetensors", folder))).tensors;
const h5File = Deno.readFileSync(new URL("keras.weights.h5", folder));
const weights = readH5(h5File);

/** The model of tools/goldens/keras_weights.py. */
function build(): Sequential {
  const random = new Random(1);
  return new Sequential([
    new Embedding({ vocabularySize: 7, outputSize: 3, random }),
    new Dropout({ rate: 0.5 }),
    new SimpleRNN({ inputSize: 3, hiddenSize: 4, random }),
    new LSTM({ inputSize: 4, hiddenSize: 4, layers: 2, random }),
    new GRU({ inputSize: 4, hiddenSize: 4, random }),
    new GRU({ inputSize: 4, hiddenSize: 4, resetAfter: false, random }),
    new LSTM({ inputSize: 4, hiddenSize: 4, bidirectional: true, random }),
    new GRU({ inputSize: 8, hiddenSize: 4, bidirectional: true, random }),
    new LayerNorm({ size: 8 }),
    new LSTM({ inputSize: 8, hiddenSize: 4, bias: false, random }),
    new Dense({ inputSize: 4, outputSize: 2, random }),
  ]);
}

/** The index of the last Keras layer for each of ours; a stack of two is two layers there. */
const ENDS = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11];

Deno.test("with Keras's weights every layer matches Keras's output", () => {
  const model = build();
  loadParameters(model.parameters(), fromKeras(model, weights));
  ENDS.forEach((end, index) => {
    const start = new Sequential(model.layers.slice(0, index + 1));
    assertEqual(forward(start, golden.get("x") as Numbers), golden.get(`${end}`) as Numbers, `layer ${index}`);
  });
});

Deno.test("weights survive a round trip to Keras, under the names of its file", () => {
  const model = build();
  const written = toKeras(model);
  assert.deepEqual([...written.keys()].sort(), [...weights.keys()].sort());
  for (const [name, { shape }] of written) assert.deepEqual(shape, weights.get(name)!.shape, name);
  const back = fromKeras(model, written);
  for (const [name, { shape, data }] of Object.entries(model.parameters())) {
    assert.deepEqual(back.get(name), { shape, data }, name);
  }
});

Deno.test("a truncated file is rejected", () => {
  for (const length of [0, 1000, h5File.length - 1]) {
    assert.throws(
      () => readH5(h5File.slice(0, length)),
      /^Error: Cannot read weights\.h5: it must be a complete HDF5 file$/,
    );
  }
});

Deno.test("a file with a damaged entry is rejected by its name", () => {
  const bytes = h5File.slice();
  bytes.fill(255, 6200, 6208);
  assert.throws(() => readH5(bytes), /^Error: Cannot read weights\.h5: layers\/gru_1 is damaged$/);
});

Deno.test("tensors that are not weights can be ignored", () => {
  const given = new Map(weights);
  given.set("layers/dropout/seed_generator/vars/0", { shape: [2], data: new Uint32Array(2) });
  given.set("optimizer/vars/0", { shape: [], data: new Int32Array(1) });
  const ignore = /^optimizer\/|\/seed_generator\//;
  assert.equal(fromKeras(build(), given, { ignore }).size, Object.keys(build().parameters()).length);
});

Deno.test("all mismatches are listed", () => {
  const given = new Map(weights);
  given.delete("layers/gru/cell/vars/2");
  given.set("layers/dense/vars/0", { shape: [2, 4], data: new Float32Array(8) });
  given.set("layers/dropout/seed_generator/vars/0", { shape: [2], data: new Uint32Array(2) });
  assert.throws(() => fromKeras(build(), given), {
    name: "TypeError",
    message: "Cannot map weights from Keras: layers/gru/cell/vars/2 is missing; " +
      "layers/dense/vars/0 must have shape [4, 2], got [2, 4]; layers/dropout/seed_generator/vars/0 belongs to no layer",
  });
});

Deno.test("layers can have custom names, also those of a stack", () => {
  const layer = new LSTM({ inputSize: 4, hiddenSize: 4, layers: 2 });
  const names = ["layers/low", "layers/high"];
  const written = toKeras(layer, { modules: names });
  assert.deepEqual([...written.keys()].map((name) => name.split("/", 2).join("/")), names.flatMap((n) => [n, n, n]));
  assert.throws(() => toKeras(layer, { modules: ["layers/low"] }), {
    name: "RangeError",
    message: "Cannot map weights to Keras: modules must have 2 names, got 1",
  });
});

Deno.test("layer normalization inside a cell, which Keras does not have, is rejected", () => {
  const layer = new GRU({ inputSize: 1, hiddenSize: 2, layerNorm: true });
  assert.throws(() => toKeras(layer), {
    message: "Cannot map weights to Keras: GRU cannot be mapped: Keras has no layer normalization inside a cell",
  });
});
