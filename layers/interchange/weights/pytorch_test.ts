import {
  decodeSafetensors,
  encodeSafetensors,
  loadParameters,
  Random,
  SafetensorsError,
  type SafetensorsInput,
} from "@unfold/core";
import {
  CarriedState,
  Dense,
  Dropout,
  Embedding,
  GRU,
  Lambda,
  LastStep,
  type Layer,
  LayerNorm,
  LSTM,
  type RecurrentOptions,
  Sequential,
  SimpleRNN,
} from "@unfold/layers";
import { fromPyTorch, toKeras, toOnnx, toPyTorch } from "@unfold/layers/interchange";
import assert from "node:assert/strict";
import { assertEqual, draw, forward, type Numbers, pythonWith, stir, withFolder } from "../../../tools/testing.ts";

const random = new Random(1);

/** A model that tools/goldens/interchange.py also builds in PyTorch. */
interface PyTorchModel {
  readonly name: string;
  /** Ours, with random weights. */
  readonly model: Layer;
  /** The names of PyTorch's modules. */
  readonly modules: readonly string[];
  /** PyTorch's weights. */
  readonly weights: ReadonlyMap<string, SafetensorsInput>;
  readonly x: Numbers;
  /** PyTorch's output. */
  readonly output: Numbers;
}

type Case = Partial<RecurrentOptions> & { readonly cell: "SimpleRNN" | "LSTM" | "GRU"; readonly model?: boolean };

const CELLS = { SimpleRNN, LSTM, GRU };

function build({ cell, model = false, ...options }: Case, random: Random): Layer {
  if (!model) return new CELLS[cell]({ inputSize: 3, hiddenSize: 4, random, ...options });
  return new Sequential([
    new Embedding({ vocabularySize: 7, outputSize: 3, random }),
    new LSTM({ inputSize: 3, hiddenSize: 4, layers: 2, bidirectional: true, random }),
    // PyTorch's model takes output[:, -1], of both directions.
    new Lambda((x) => new LastStep().forward(x)),
    new LayerNorm({ size: 8 }),
    new Dense({ inputSize: 8, outputSize: 2, random }),
  ]);
}

/** The models of the golden file. */
function pytorchModels(): PyTorchModel[] {
  const file = Deno.readFileSync(new URL("../testdata/pytorch.safetensors", import.meta.url));
  const { tensors, metadata } = decodeSafetensors(file);
  const random = new Random(1);
  return (JSON.parse(metadata.cases!) as Case[]).map((options, index) => {
    const start = `${index}.weights.`;
    const weights = [...tensors].filter(([name]) => name.startsWith(start));
    return {
      name: options.model ? "a model" : JSON.stringify(options).replaceAll(/["{}]/g, ""),
      model: build(options, random),
      modules: options.model ? ["embedding", "encoder", "norm", "head"] : [""],
      weights: new Map(weights.map(([name, tensor]) => [name.slice(start.length), tensor])),
      x: tensors.get(`${index}.x`) as Numbers,
      output: tensors.get(`${index}.output`) as Numbers,
    };
  });
}

for (const { name, model, modules, weights, x, output } of pytorchModels()) {
  Deno.test(`${name}: with PyTorch's weights the model matches PyTorch's output`, () => {
    loadParameters(model.parameters(), fromPyTorch(model, weights, { modules }));
    assertEqual(forward(model, x), output, name);
  });
}

/** PyTorch's tensors for a GRU 3→4 and a Linear 4→2, with the names of an `nn.Sequential`. */
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

Deno.test("default module names are those of an nn.Sequential", () => {
  assert.deepEqual([...fromPyTorch(model, tensors()).keys()], Object.keys(model.parameters()));
});

Deno.test("all mismatches are listed, and the model does not change", () => {
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

Deno.test("if the modules have names of their own, the message says to pass them", () => {
  const named = new Map(
    [...tensors()].map(([name, tensor]) => [name.replace("0.", "encoder.rnn.").replace("2.", "head."), tensor]),
  );
  assert.throws(() => fromPyTorch(model, named), {
    name: "TypeError",
    message: /is missing; .*pass the names of its 2 modules .*; the tensors' modules are "encoder\.rnn", "head"$/,
  });
  assert.equal(fromPyTorch(model, named, { modules: ["encoder.rnn", "head"] }).size, 6);
});

Deno.test("what is no entry, no model or no map of tensors is refused by name", () => {
  const given: [layers: unknown, problem: string][] = [
    [5, "layers must be an array of LayerInterchange entries, got 5"],
    [null, "layers must be an array of LayerInterchange entries, got null"],
    [[5], "layers[0] must be a LayerInterchange, whose of is a class, got 5"],
    [[null], "layers[0] must be a LayerInterchange, whose of is a class, got null"],
    [[{ of: Dense }, { of: "Dense" }], 'layers[1] must be a LayerInterchange, whose of is a class, got {"of":"Dense"}'],
  ];
  const refused = (from: Layer, options: object, problem: string) => {
    const calls: [doing: string, call: () => unknown][] = [
      ["map weights from PyTorch", () => fromPyTorch(from, tensors(), options)],
      ["map weights to PyTorch", () => toPyTorch(from, options)],
      ["map weights to Keras", () => toKeras(from, options)],
      ["export", () => toOnnx(from, options)],
    ];
    for (const [doing, call] of calls) {
      assert.throws(call, { name: "TypeError", message: `Cannot ${doing}: ${problem}` });
    }
  };
  for (const [layers, problem] of given) refused(model, { layers }, problem);
  refused({ layers: 5 } as unknown as Layer, {}, "the model must be a layer, got an object");
  refused(null as unknown as Layer, {}, "the model must be a layer, got null");
  for (
    const [bad, got] of [[{ "0.weight": [] }, "an object"], [undefined, "undefined"], [[], "an array of length 0"]]
  ) {
    assert.throws(() => fromPyTorch(model, bad as never), {
      name: "TypeError",
      message: `Cannot map weights from PyTorch: tensors must be a Map of tensors by name, got ${got}`,
    });
  }
});

Deno.test("a state dict with another number of layers is refused, and the message names the tensors", () => {
  const layers = (count: number) => new LSTM({ inputSize: 1, hiddenSize: 1, layers: count });
  assert.throws(() => fromPyTorch(layers(2), toPyTorch(layers(1))), {
    name: "TypeError",
    message:
      "Cannot map weights from PyTorch: weight_ih_l1 is missing; weight_hh_l1 is missing; bias_ih_l1 is missing; " +
      "bias_hh_l1 is missing",
  });
  assert.throws(
    () => fromPyTorch(layers(1), toPyTorch(layers(2))),
    /^TypeError: Cannot map weights from PyTorch: weight_ih_l1 belongs to no layer; .*bias_hh_l1 belongs to no layer/,
  );
});

Deno.test("only tensors that match ignore are ignored", () => {
  const given = new Map([...tensors(), ["optimizer.step", { shape: [1], data: new Float32Array(1) }]]);
  assert.throws(() => fromPyTorch(model, given), /: optimizer\.step belongs to no layer$/);
  for (let i = 0; i < 2; i++) fromPyTorch(model, given, { ignore: /^optimizer\./g });
});

Deno.test("all layers without a counterpart in PyTorch are listed", () => {
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
      "0 GRU cannot be mapped: PyTorch has no GRU that resets before the recurrent product; " +
      "1 LSTM cannot be mapped: PyTorch has no layer normalization inside a cell; " +
      "3 Mine must have a LayerInterchange with a pytorch hook; pass one in options.layers",
  });
});

Deno.test("each layer with parameters needs a module name", () => {
  assert.throws(() => fromPyTorch(model, tensors(), { modules: ["gru"] }), {
    name: "RangeError",
    message: "Cannot map weights from PyTorch: modules must have 2 names, got 1",
  });
});

Deno.test("a truncated or inconsistent file is rejected before any weight is used", () => {
  const file = encodeSafetensors(tensors());
  for (const bytes of [file.slice(0, 5), file.slice(0, 100), file.slice(0, -4), new Uint8Array(64)]) {
    assert.throws(
      () => fromPyTorch(model, decodeSafetensors(bytes, { file: "w.safetensors" }).tensors),
      SafetensorsError,
    );
  }
});

Deno.test("weights survive a round trip to PyTorch", () => {
  for (const options of [{}, { bias: false }, { layers: 2, bidirectional: true }]) {
    for (const Layer of [LSTM, GRU]) {
      const layer = stir(new Layer({ inputSize: 3, hiddenSize: 4, random, ...options }), random);
      const back = fromPyTorch(layer, toPyTorch(layer, { modules: ["x"] }), { modules: ["x"] });
      for (const [name, { shape, data }] of Object.entries(layer.parameters())) {
        assert.deepEqual(back.get(name), { shape, data }, name);
      }
    }
  }
});

Deno.test("toPyTorch: a layer without a counterpart is rejected by name", () => {
  assert.throws(() => toPyTorch(new GRU({ inputSize: 1, hiddenSize: 2, resetAfter: false })), {
    name: "TypeError",
    message:
      "Cannot map weights to PyTorch: GRU cannot be mapped: PyTorch has no GRU that resets before the recurrent product",
  });
});

Deno.test("layers inside a CarriedState or a nested Sequential are mapped", () => {
  const carried = new CarriedState(new LSTM({ inputSize: 3, hiddenSize: 4, random }));
  const model = new Sequential([new Sequential([carried, new Dropout({ rate: 0.5 })]), new LayerNorm({ size: 4 })]);
  const tensors = toPyTorch(model);
  assert.deepEqual([...tensors.keys()], [
    "0.0.weight_ih_l0",
    "0.0.weight_hh_l0",
    "0.0.bias_ih_l0",
    "0.0.bias_hh_l0",
    "1.weight",
    "1.bias",
  ]);
  assert.deepEqual(Object.keys(model.parameters()), [...fromPyTorch(model, tensors).keys()]);
});

const python = pythonWith("torch");

Deno.test(
  "PyTorch with our weights matches our output",
  { ignore: python === undefined },
  () =>
    withFolder(async (folder) => {
      const models = pytorchModels().map((one) => {
        stir(one.model, random);
        return { ...one, x: one.name === "a model" ? one.x : draw(random, one.x.shape) };
      });
      const tensors = models.flatMap(({ model, modules, x }, index) => [
        [`${index}.x`, x] as const,
        ...[...toPyTorch(model, { modules })].map(([name, tensor]) => [`${index}.weights.${name}`, tensor] as const),
      ]);
      const [ours, theirs] = [`${folder}/ours.safetensors`, `${folder}/theirs.safetensors`];
      Deno.writeFileSync(ours, encodeSafetensors(tensors));
      const args = ["tools/goldens/interchange.py", ours, theirs];
      const { success, stderr } = new Deno.Command(python!, { args }).outputSync();
      assert.ok(success, new TextDecoder().decode(stderr));
      const results = decodeSafetensors(await Deno.readFile(theirs)).tensors;
      models.forEach(({ name, model, x }, index) => {
        assertEqual(results.get(`${index}.output`) as Numbers, forward(model, x), name);
      });
    }),
);
