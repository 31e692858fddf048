import {
  decodeSafetensors,
  encodeSafetensors,
  loadParameters,
  Random,
  SafetensorsError,
  type SafetensorsInput,
} from "@unfold/core";
import { Dense, Dropout, GRU, LastStep, type Layer, LSTM, Sequential } from "@unfold/layers";
import { fromPyTorch } from "@unfold/layers/interchange";
import assert from "node:assert/strict";
import { assertEqual, forward } from "../../../tools/testing.ts";
import { pytorchModels } from "./_pytorch_models_test.ts";

for (const { name, model, modules, weights, x, output } of pytorchModels()) {
  Deno.test(`${name}: with PyTorch's weights the model gives PyTorch's output`, () => {
    loadParameters(model.parameters(), fromPyTorch(model, weights, { modules }));
    assertEqual(forward(model, x), output, name);
  });
}

const random = new Random(1);

/** PyTorch's tensors of a GRU 3→4 and a Linear 4→2 under the names of an `nn.Sequential`. */
function tensors(): Map<string, { shape: number[]; data: Float32Array<ArrayBuffer> }> {
  const shapes = {
    "0.weight_ih_l0": [12, 3],
    "0.weight_hh_l0": [12, 4],
    "0.bias_ih_l0": [12],
    "0.bias_hh_l0": [12],
    "2.weight": [2, 4],
    "2.bias": [2],
  };
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      return [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }];
    }),
  );
}

const model = new Sequential([
  new GRU({ inputSize: 3, hiddenSize: 4, random }),
  new LastStep(),
  new Dense({ inputSize: 4, outputSize: 2, random }),
]);

Deno.test("without names modules are those of an nn.Sequential", () => {
  assert.deepEqual([...fromPyTorch(model, tensors()).keys()], Object.keys(model.parameters()));
});

Deno.test("all that does not fit is listed, and nothing is changed", () => {
  const given = new Map<string, SafetensorsInput>(tensors());
  given.delete("0.bias_hh_l0");
  given.set("0.weight_ih_l0", { shape: [3, 12], data: new Float32Array(36) });
  given.set("0.bias_ih_l0", { shape: [12], data: new Float32Array(11) });
  given.set("2.bias", { shape: [2], data: new Float64Array(2) });
  given.set("3.weight", { shape: [1], data: new Float32Array(1) });
  const before = model.parameters()["0.inputWeight"]!.toArray();
  assert.throws(() => loadParameters(model.parameters(), fromPyTorch(model, given)), {
    name: "TypeError",
    message: "Cannot map weights from PyTorch: 0.weight_ih_l0 must have shape [12, 3], got [3, 12]; " +
      "0.bias_ih_l0 must have 12 elements, got 11; 0.bias_hh_l0 is missing; 2.bias must be F32, got Float64Array; 3.weight belongs to no layer",
  });
  assert.deepEqual(model.parameters()["0.inputWeight"]!.toArray(), before);
});

Deno.test("what is to be left aside has to be named", () => {
  const given = new Map([...tensors(), ["optimizer.step", { shape: [1], data: new Float32Array(1) }]]);
  assert.throws(() => fromPyTorch(model, given), /: optimizer\.step belongs to no layer$/);
  for (let i = 0; i < 2; i++) fromPyTorch(model, given, { ignore: /^optimizer\./g });
});

Deno.test("layers without a counterpart are refused by name, all of them", () => {
  class Mine implements Layer {
    parameters = () => new Dense({ inputSize: 1, outputSize: 1 }).parameters();
    forward: Layer["forward"] = (x) => x as ReturnType<Layer["forward"]>;
  }
  const others = new Sequential([
    new GRU({ inputSize: 1, hiddenSize: 2, resetAfter: false }),
    new LSTM({ inputSize: 1, hiddenSize: 2, layerNorm: true }),
    new Dropout({ rate: 0.5 }),
    new Mine(),
  ]);
  assert.throws(() => fromPyTorch(others, new Map()), {
    name: "TypeError",
    message: "Cannot map weights from PyTorch: " +
      "0 GRU cannot be mapped: PyTorch resets after the recurrent product alone; " +
      "1 LSTM cannot be mapped: PyTorch has no layer normalisation in it; " +
      "3 Mine must have a LayerInterchange with pytorch among the option layers",
  });
});

Deno.test("modules must be as many as layers that learn", () => {
  assert.throws(() => fromPyTorch(model, tensors(), { modules: ["gru"] }), {
    name: "RangeError",
    message: "Cannot map weights from PyTorch: modules must name 2 of its modules, got 1",
  });
});

Deno.test("a file that is cut off, or lies about itself, is refused before any weight is taken", () => {
  const file = encodeSafetensors(tensors());
  for (const bytes of [file.slice(0, 5), file.slice(0, 100), file.slice(0, -4), new Uint8Array(64)]) {
    assert.throws(
      () => fromPyTorch(model, decodeSafetensors(bytes, { file: "w.safetensors" }).tensors),
      SafetensorsError,
    );
  }
});
