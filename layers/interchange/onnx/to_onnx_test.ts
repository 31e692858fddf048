import {
  abs,
  exp,
  gelu,
  log,
  logSoftmax,
  negate,
  noGrad,
  Random,
  relu,
  sigmoid,
  softmax,
  softplus,
  sqrt,
  tanh,
} from "@unfold/core";
import {
  CarriedState,
  Dense,
  Dropout,
  Embedding,
  FinalState,
  GRU,
  Lambda,
  LastStep,
  type Layer,
  LayerNorm,
  LSTM,
  MaxSteps,
  MeanSteps,
  type RecurrentLayer,
  type RecurrentOptions,
  type RecurrentState,
  Sequential,
  SimpleRNN,
  TiedDense,
} from "@unfold/layers";
import { toOnnx, type ToOnnxOptions } from "@unfold/layers/interchange";
import assert from "node:assert/strict";
import { checkOnnx, hasOnnxChecker, named, OnnxModel } from "../../../tools/onnx.ts";
import {
  assertEqual,
  draw,
  forward,
  fromTensor,
  integers,
  type Numbers,
  stir,
  toTensor,
} from "../../../tools/testing.ts";

const random = new Random(1);

/** The files of all tests, for the checker. */
const files = new Map<string, Uint8Array<ArrayBuffer>>();

async function exported(name: string, model: Layer, options: ToOnnxOptions = {}): Promise<OnnxModel> {
  const file = toOnnx(model, options);
  files.set(name, file);
  return await OnnxModel.load(file);
}

const cells: Record<string, (options: RecurrentOptions) => RecurrentLayer<RecurrentState>> = {
  "SimpleRNN tanh": (options) => new SimpleRNN(options),
  "SimpleRNN relu": (options) => new SimpleRNN({ ...options, activation: "relu" }),
  LSTM: (options) => new LSTM(options),
  "GRU, reset after": (options) => new GRU(options),
  "GRU, reset before": (options) => new GRU({ ...options, resetAfter: false }),
} as Record<string, (options: RecurrentOptions) => RecurrentLayer<RecurrentState>>;

const kinds: Record<string, Partial<RecurrentOptions>> = {
  plain: {},
  "without biases": { bias: false },
  stacked: { layers: 3 },
  bidirectional: { bidirectional: true },
  "stacked and bidirectional": { layers: 2, bidirectional: true },
  normalized: { layerNorm: true },
  "normalized, without biases": { layerNorm: true, bias: false },
  "normalized, stacked and bidirectional": { layers: 2, bidirectional: true, layerNorm: true },
};

for (const [cell, make] of Object.entries(cells)) {
  for (const [kind, options] of Object.entries(kinds)) {
    const name = `${cell}, ${kind}`;
    const layer = stir(make({ inputSize: 3, hiddenSize: 32, random, ...options }), random);

    Deno.test(`${name}: ONNX Runtime matches our output for any batch and time`, async () => {
      const model = await exported(name, layer);
      assert.deepEqual([model.inputs, model.outputs], [["input"], ["output"]]);
      // With layer normalization inside a cell, rounding errors grow from step to step on both sides.
      for (const shape of [[5, 7, 3], [1, 1, 3], [2, options.layerNorm ? 10 : 40, 3]]) {
        const input = draw(random, shape);
        assertEqual((await model.run({ input })).output, forward(layer, input), name);
      }
    });

    Deno.test(`${name}: ONNX Runtime matches our output and states, with padding and a given state`, async () => {
      const model = await exported(`${name}, lengths, state`, layer, { lengths: true, state: true });
      const input = draw(random, [5, 7, 3]);
      const lengths = [7, 3, 0, 1, 5];
      // The contents of the padding must not matter.
      const features = 7 * 3;
      lengths.forEach((length, row) => input.data.fill(NaN, row * features + 3 * length, (row + 1) * features));
      const state = Object.fromEntries(
        Object.entries(layer.initialState(5)).map(([name, { shape }]) => [name, toTensor(draw(random, shape))]),
      );
      const expected = noGrad(() => layer.run(toTensor(input), { state, lengths }));
      const feeds = { input, lengths: integers(...lengths), ...named(state, "state.") };
      const { output, ...next } = await model.run(feeds);
      assertEqual(output, fromTensor(expected.output), "output");
      const wanted = named(expected.state, "next.");
      assert.deepEqual(Object.keys(next).sort(), Object.keys(wanted).sort());
      for (const [name, value] of Object.entries(wanted)) assertEqual(next[name], value, name);
    });

    if (options.bidirectional) continue;
    Deno.test(`${name}: single steps give the output of the whole sequence`, async () => {
      const model = await exported(`${name}, state`, layer, { state: true });
      const input = draw(random, [2, 12, 3]);
      const whole = forward(layer, input);
      let state = named(layer.initialState(2), "state.");
      for (let t = 0; t < 12; t++) {
        const now = (numbers: Numbers) => {
          const features = numbers.shape[2]!;
          const rows = [0, 1].map((row) => numbers.data.subarray((row * 12 + t) * features).subarray(0, features));
          return { shape: [2, 1, features], data: Float32Array.from([...rows[0]!, ...rows[1]!]) };
        };
        const { output, ...next } = await model.run({ input: now(input), ...state });
        assertEqual(output, now(whole), `step ${t}`);
        state = Object.fromEntries(Object.entries(next).map(([name, value]) => [name.replace("next", "state"), value]));
      }
    });
  }
}

/** Models whose output is compared, with their input. */
const models: Record<string, [model: Layer, input: Numbers, options?: ToOnnxOptions]> = {
  Dense: [new Dense({ inputSize: 3, outputSize: 4, random }), draw(random, [5, 3])],
  "Dense without bias": [new Dense({ inputSize: 3, outputSize: 4, bias: false, random }), draw(random, [5, 3])],
  "Dense over time": [new Dense({ inputSize: 3, outputSize: 4, random }), draw(random, [5, 6, 3]), {
    inputShape: ["batch", "time", 3],
  }],
  Embedding: [new Embedding({ vocabularySize: 9, outputSize: 4, paddingIndex: 0, random }), draw(random, [5, 6], 9)],
  LayerNorm: [new LayerNorm({ size: 6, eps: 0.1 }), draw(random, [5, 6])],
  Dropout: [new Dropout({ rate: 0.5 }), draw(random, [5, 6]), { inputShape: ["batch", 6] }],
  LastStep: [new LastStep(), draw(random, [5, 6, 2]), { inputShape: ["batch", "time", 2] }],
  "nothing at all": [new Sequential([]), draw(random, [5, 6]), { inputShape: ["batch", 6] }],
  "Sequential in Sequential": [
    new Sequential([
      new Sequential([new Embedding({ vocabularySize: 9, outputSize: 4, random }), new Dropout({ rate: 0.1 })]),
      new GRU({ inputSize: 4, hiddenSize: 5, random }),
      new Sequential([new LastStep(), new LayerNorm({ size: 5 }), new Dense({ inputSize: 5, outputSize: 2, random })]),
    ]),
    draw(random, [3, 6], 9),
  ],
  ...Object.fromEntries(
    Object.entries({ abs, exp, gelu, log, logSoftmax, negate, relu, sigmoid, softmax, softplus, sqrt, tanh })
      .map(([name, f]) => {
        const { shape, data } = draw(random, [4, 6]);
        const input = { shape, data: name === "log" || name === "sqrt" ? data.map(Math.abs) : data } as Numbers;
        return [`Lambda of ${name}`, [new Lambda(f), input, { inputShape: ["batch", 6] }]];
      }),
  ),
};

for (const [name, [model, input, options]] of Object.entries(models)) {
  Deno.test(`${name}: ONNX Runtime matches our output`, async () => {
    const onnx = await exported(name, stir(model, random), options);
    assertEqual((await onnx.run({ input })).output, forward(model, input), name);
  });
}

/** Layers that make one vector of each sequence, and whether the recurrent layer before may be bidirectional. */
const poolings: readonly [pooling: Layer, directions: readonly (1 | 2)[]][] = [
  [new LastStep(), [1]],
  [new FinalState(), [1]],
  [new FinalState({ directions: 2 }), [2]],
  [new MeanSteps(), [1, 2]],
  [new MaxSteps(), [1, 2]],
];

for (const [pooling, all] of poolings) {
  for (const directions of all) {
    const name = `${pooling.constructor.name} after ${directions} directions`;
    Deno.test(`${name}: ONNX Runtime matches our output, with lengths and without`, async () => {
      const model = new Sequential([
        new LSTM({ inputSize: 3, hiddenSize: 4, layers: 2, bidirectional: directions === 2, random }),
        // NaN and −∞ of the padding must not get through.
        new Dense({ inputSize: 4 * directions, outputSize: 6, random }),
        new Lambda(exp),
        pooling,
        new Dense({ inputSize: 6, outputSize: 2, random }),
      ]);
      stir(model, random);
      const input = draw(random, [3, 6, 3]);
      const plain = await exported(name, model);
      assertEqual((await plain.run({ input })).output, forward(model, input), "output");
      const lengths = [6, 1, 4];
      const padded = await exported(`${name}, lengths`, model, { lengths: true });
      const { output } = await padded.run({ input, lengths: integers(...lengths) });
      assertEqual(output, forward(model, input, { lengths }), "output with lengths");
    });
  }
}

for (const bias of [true, false]) {
  const name = `TiedDense ${bias ? "with" : "without"} bias`;
  Deno.test(`${name}: ONNX Runtime matches our output, and the shared weights are stored once`, async () => {
    const embedding = new Embedding({ vocabularySize: 50, outputSize: 6, random });
    const model = new Sequential([embedding, new TiedDense({ embedding, bias })]);
    stir(model, random);
    const onnx = await exported(name, model);
    const input = draw(random, [3, 6], 50);
    assertEqual((await onnx.run({ input })).output, forward(model, input), "output");
    const untied = new Dense({ inputSize: 6, outputSize: 50, bias });
    assert.ok(toOnnx(model).length < toOnnx(new Sequential([embedding, untied])).length - 1000);
  });
}

Deno.test("the state of a CarriedState is an input and an output, unless state is false", async () => {
  const carried = new CarriedState(new LSTM({ inputSize: 6, hiddenSize: 8, layers: 2, random }));
  const model = new Sequential([
    new Embedding({ vocabularySize: 10, outputSize: 6, random }),
    carried,
    new Dense({ inputSize: 8, outputSize: 10, random }),
  ]);
  const onnx = await exported("CarriedState", model, { metadata: { vocabulary: JSON.stringify(["a", "ß", "🐋"]) } });
  assert.deepEqual(onnx.inputs, ["input", "state.1.hidden", "state.1.cell"]);
  assert.deepEqual(onnx.outputs, ["output", "next.1.hidden", "next.1.cell"]);
  const chunks = [draw(random, [2, 5], 10), draw(random, [2, 1], 10), draw(random, [2, 9], 10)];
  let state = named(carried.layer.initialState(2), "state.1.");
  for (const input of chunks) {
    const { output, ...next } = await onnx.run({ input, ...state });
    assertEqual(output, forward(model, input), "output");
    state = Object.fromEntries(Object.entries(next).map(([name, value]) => [name.replace("next", "state"), value]));
  }
  noGrad(() => carried.reset());
  const plain = await exported("CarriedState without its state", model, { state: false });
  assert.deepEqual(plain.inputs, ["input"]);
  assertEqual((await plain.run({ input: chunks[0]! })).output, forward(model, chunks[0]!), "output");
});

Deno.test("onnx.checker with full_check accepts every file", { ignore: !hasOnnxChecker }, async () => {
  assert.ok(files.size > 100, "the tests above must have run");
  const metadata = await checkOnnx(files);
  assert.deepEqual(metadata.get("CarriedState"), { vocabulary: JSON.stringify(["a", "ß", "🐋"]) });
  assert.deepEqual(metadata.get("Dense"), {});
});
