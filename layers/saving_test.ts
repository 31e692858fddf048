import {
  add,
  encodeSafetensors,
  multiply,
  type NamedParameters,
  noGrad,
  Parameter,
  Random,
  relu,
  scope,
  type Tensor,
  tensor,
} from "@unfold/core";
import {
  architectureOf,
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
  loadModel,
  LSTM,
  MaxSteps,
  MeanSteps,
  saveModel,
  Sequential,
  SimpleRNN,
  softmaxCrossEntropy,
  TiedDense,
} from "@unfold/layers";
import { adam, Optimizer } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { assertThrowsPrintable, draw, forward, HOSTILE, type Numbers, stir } from "../tools/testing.ts";

const random = new Random(1);

/** Every layer with every option, with an input. */
const models: Record<string, [model: Layer, x: Numbers]> = {
  Dense: [new Dense({ inputSize: 3, outputSize: 2, random }), draw(random, [4, 3])],
  "Dense without bias": [new Dense({ inputSize: 3, outputSize: 2, bias: false }), draw(random, [4, 3])],
  Dropout: [new Dropout({ rate: 0.25 }), draw(random, [4, 3])],
  Embedding: [new Embedding({ vocabularySize: 5, outputSize: 2 }), draw(random, [2, 3], 5)],
  "Embedding with padding": [
    new Embedding({ vocabularySize: 5, outputSize: 2, paddingIndex: 3 }),
    draw(random, [2, 3], 5),
  ],
  LayerNorm: [new LayerNorm({ size: 3, eps: 0.1 }), draw(random, [4, 3])],
  Lambda: [new Lambda(relu), draw(random, [4, 3])],
  LastStep: [new LastStep(), draw(random, [2, 3, 4])],
  FinalState: [new FinalState({ directions: 2 }), draw(random, [2, 3, 4])],
  MeanSteps: [new MeanSteps(), draw(random, [2, 3, 4])],
  MaxSteps: [new MaxSteps(), draw(random, [2, 3, 4])],
  "GRU that resets before": [new GRU({ inputSize: 3, hiddenSize: 4, resetAfter: false }), draw(random, [2, 5, 3])],
  "relu SimpleRNN": [new SimpleRNN({ inputSize: 3, hiddenSize: 4, activation: "relu" }), draw(random, [2, 5, 3])],
  CarriedState: [new CarriedState(new LSTM({ inputSize: 3, hiddenSize: 4 })), draw(random, [2, 5, 3])],
  "nothing at all": [new Sequential([]), draw(random, [2, 3])],
  "a model in a model": [
    new Sequential([
      new Sequential([new Embedding({ vocabularySize: 9, outputSize: 4 }), new Dropout({ rate: 0.1 })]),
      new CarriedState(new GRU({ inputSize: 4, hiddenSize: 5 })),
      new Sequential([new LastStep(), new LayerNorm({ size: 5 }), new Dense({ inputSize: 5, outputSize: 2 })]),
    ]),
    draw(random, [3, 6], 9),
  ],
  ...Object.fromEntries(
    [LSTM, GRU, SimpleRNN].flatMap((of): [string, [Layer, Numbers]][] => {
      const all = { layers: 2, bidirectional: true, bias: false, dropout: 0.1, recurrentDropout: 0.2, layerNorm: true };
      return Object.entries(all).map(([option, value]) => {
        const options = { inputSize: 3, hiddenSize: 4, layers: option === "dropout" ? 2 : 1, [option]: value };
        return [`${of.name} with ${option}`, [new of(options), draw(random, [2, 5, 3])]];
      });
    }),
  ),
};

for (const [name, [model, x]] of Object.entries(models)) {
  Deno.test(`${name}: a saved and loaded model has the same options and gives the same output, bit for bit`, () => {
    stir(model, random);
    const loaded = loadModel(saveModel(model));
    assert.equal(loaded.constructor, model.constructor);
    assert.equal(architectureOf(loaded), architectureOf(model));
    assert.deepEqual(forward(loaded, x), forward(model, x));
    // What a checkpoint holds.
    if (model.architecture !== undefined) assert.equal(JSON.stringify(model.architecture()), architectureOf(model));
  });
}

Deno.test("shared layers are shared after loading: the model trains as the original does, bit for bit", () => {
  const embedding = new Embedding({ vocabularySize: 7, outputSize: 4, random });
  const shared = new Sequential([new Dense({ inputSize: 4, outputSize: 4, random }), new Lambda(relu)]);
  const model = new Sequential([embedding, shared, new LayerNorm({ size: 4 }), shared, new TiedDense({ embedding })]);
  const loaded = loadModel(saveModel(model)) as Sequential;
  assert.equal(loaded.layers[1], loaded.layers[3]);
  assert.equal((loaded.layers[4] as TiedDense).embedding, loaded.layers[0]);
  const [x, y] = [[[1, 2, 3]], [[2, 3, 4]]].map((tokens) => tensor(tokens, { dtype: "i32" }));
  const weights = [model, loaded].map((one) => {
    const optimizer = new Optimizer(one.parameters(), [adam()], { learningRate: 0.1 });
    for (let step = 0; step < 5; step++) {
      using _ = scope();
      softmaxCrossEntropy(one.forward(x!), y!).backward();
      optimizer.step();
    }
    return Object.entries(one.parameters()).map(([name, { data }]) => [name, data.slice()]);
  });
  assert.deepEqual(weights[0], weights[1]);
});

Deno.test("a tied layer whose embedding is outside of the model is saved with it", () => {
  const tied = new TiedDense({ embedding: new Embedding({ vocabularySize: 5, outputSize: 3, random }), bias: false });
  const x = draw(random, [2, 3]);
  assert.deepEqual(forward(loadModel(saveModel(tied)), x), forward(tied, x));
});

/** A layer with a layer inside: y = factor·inner(x). */
class Scaled implements Layer {
  readonly factor = new Parameter([1], (data) => data.fill(2));
  constructor(readonly inner: Layer) {}

  parameters(): NamedParameters {
    const inner = Object.entries(this.inner.parameters()).map(([name, parameter]) => [`inner.${name}`, parameter]);
    return { factor: this.factor, ...Object.fromEntries(inner) };
  }

  forward(x: Tensor): Tensor {
    return multiply(this.inner.forward(x), this.factor);
  }

  architecture: NonNullable<Layer["architecture"]> = (describe) => ({ type: "Scaled", inner: describe!(this.inner) });
}

Deno.test("a class of your own is built by its builder, with the layers inside it, and refused without one", () => {
  const shared = new Dense({ inputSize: 2, outputSize: 2, random });
  const model = new Sequential([new Scaled(shared), shared]);
  const bytes = saveModel(model);
  const loaded = loadModel(bytes, {
    layers: { Scaled: ({ inner }, build) => new Scaled(build(inner as { type: string })) },
  }) as Sequential;
  assert.equal((loaded.layers[0] as Scaled).inner, loaded.layers[1]);
  const x = draw(random, [3, 2]);
  assert.deepEqual(forward(loaded, x), forward(model, x));
  assert.throws(() => loadModel(bytes, { file: "model.safetensors" }), {
    name: "SafetensorsError",
    message: 'Cannot load model.safetensors: the type of each layer must be known, got "Scaled"; ' +
      "pass a builder for it in options.layers",
  });
});

Deno.test("layers that a file cannot describe are refused when saving", () => {
  class Mute implements Layer {
    parameters = () => ({});
    forward = (x: Tensor) => x;
  }
  assert.throws(() => saveModel(new Sequential([new Mute()])), {
    name: "TypeError",
    message: "Cannot describe Mute: it must have an architecture() method that returns its type and options",
  });
  class Twice extends LSTM {
    override forward = (x: Tensor) => add(super.forward(x), super.forward(x));
  }
  assert.throws(() => saveModel(new Twice({ inputSize: 1, hiddenSize: 1 })), {
    name: "TypeError",
    message: "Cannot describe Twice: it must have its own architecture() method, since it extends LSTM",
  });
  assert.throws(
    () => saveModel(new Lambda((x) => x)),
    /^TypeError: Cannot describe Lambda: its function must be one of/,
  );
  assert.throws(() => saveModel(new LastStep(), { metadata: { format: "mine" } }), /must not have the key format/);
});

Deno.test("a checkpoint is opened for its model; one without an architecture is refused", () => {
  const model = stir(new Sequential([new Dense({ inputSize: 3, outputSize: 2, random })]), random);
  const entries = Object.entries(model.parameters()).map(([name, value]) => [`model.${name}`, value] as const);
  const other = ["optimizer.adam.m", tensor([1, 2])] as const;
  const format = "unfold checkpoint 1";
  const bytes = encodeSafetensors([...entries, other], { metadata: { format, architecture: architectureOf(model) } });
  const x = draw(random, [4, 3]);
  assert.deepEqual(forward(loadModel(bytes), x), forward(model, x));
  assert.throws(() => loadModel(encodeSafetensors(entries, { metadata: { format } })), {
    name: "SafetensorsError",
    message: /^Cannot load the model: a checkpoint must hold the model's architecture, got none; every layer/,
  });
});

Deno.test("damaged and foreign files are refused, and say why", () => {
  const weights = Object.entries(new Dense({ inputSize: 2, outputSize: 1 }).parameters());
  const file = (architecture: unknown) => {
    return encodeSafetensors(weights, {
      metadata: { format: "unfold model 1", architecture: JSON.stringify(architecture) },
    });
  };
  const cases: [bytes: Uint8Array<ArrayBuffer>, message: RegExp][] = [
    [new Uint8Array(3), /^Cannot read the model: it must start with the 8 bytes/],
    [encodeSafetensors(weights), /must be a model that saveModel wrote, or a checkpoint, got a file of weights alone$/],
    [encodeSafetensors(weights, { metadata: { format: "pt" } }), /got format "pt"$/],
    [file(null), /each layer of its architecture must have a type, got null$/],
    [file({ type: 1 }), /must have a type, got \{"type":1\}$/],
    [file({ type: "Sequential" }), /the layers of a Sequential must be an array$/],
    [file({ type: "Sequential", layers: [7] }), /must have a type, got 7$/],
    [file({ type: "constructor" }), /must be known, got "constructor"/],
    [file({ type: "Same", id: 0 }), /a layer must come before the references to it, got reference 0$/],
    [file({ type: "Lambda", function: "toString" }), /function of a Lambda must be one of abs, .*, got "toString"$/],
    [file({ type: "Dense", inputSize: 2 }), /outputSize must be an integer of 1 or more, got undefined$/],
    [file({ type: "Dense", inputSize: 3, outputSize: 1 }), /weight must have shape \[3, 1\], got \[2, 1\]$/],
    [file({ type: "Dense", inputSize: 2, outputSize: 1, bias: false }), /bias is not a parameter of the model$/],
    // Refused before any memory is taken for them.
    [
      file({ type: "LSTM", inputSize: 1, hiddenSize: 1e5 }),
      /the file must have the weights of its architecture, at least 10,000,000,000 up to its LSTM, got 3$/,
    ],
    [
      file({ type: "SimpleRNN", inputSize: 1, hiddenSize: 1, layers: 1e6 }),
      /at least 1,000,000 up to its SimpleRNN, got 3$/,
    ],
    [file({ type: "Embedding", vocabularySize: 1e300, outputSize: 1e300 }), /at least ∞ up to its Embedding, got 3$/],
    [
      file({ type: "Sequential", layers: Array(4).fill({ type: "Dense", inputSize: 2, outputSize: 1 }) }),
      /at least 8 up to its Dense, got 3$/,
    ],
    [file({ type: "Dropout", rate: 2 }), /rate must be at least 0 and below 1, got 2/],
    [file({ type: "CarriedState", layer: { type: "LastStep" } }), /layer must be a recurrent layer/],
    [
      file({ type: "TiedDense", embedding: { type: "LastStep" } }),
      /must share the weights of an Embedding, got LastStep$/,
    ],
  ];
  for (const [bytes, message] of cases) assert.throws(() => loadModel(bytes), { name: "SafetensorsError", message });
  const hostile = [
    { type: HOSTILE },
    [HOSTILE],
    { type: "Same", id: HOSTILE },
    { type: "Lambda", function: HOSTILE },
    { type: "Dense", inputSize: HOSTILE, outputSize: 1 },
    { type: "Dropout", rate: HOSTILE },
    { type: "Attention", score: HOSTILE },
    { type: "SimpleRNN", inputSize: 1, hiddenSize: 1, activation: HOSTILE },
  ];
  for (const one of hostile) assertThrowsPrintable(() => loadModel(file(one)));
  assertThrowsPrintable(() => loadModel(encodeSafetensors(weights, { metadata: { format: HOSTILE } })));
  const unparsed = { format: "unfold model 1", architecture: HOSTILE };
  assertThrowsPrintable(() => loadModel(encodeSafetensors(weights, { metadata: unparsed })));
});

Deno.test("loading draws no initial weights, and dropout from the given random numbers", () => {
  const bytes = saveModel(new Dropout({ rate: 0.5 }));
  const x = tensor(new Float32Array(100).fill(1));
  const outputs = [1, 1, 2].map((seed) => [...loadModel(bytes, { random: new Random(seed) }).forward(x).data]);
  assert.deepEqual(outputs[0], outputs[1]);
  assert.notDeepEqual(outputs[0], outputs[2]);
  assert.deepEqual(noGrad(() => loadModel(bytes).forward(x)).data, x.data);
  const dense = new Dense({ inputSize: 1, outputSize: 1 });
  const seeded = new Random(3);
  loadModel(saveModel(dense), { random: seeded });
  assert.equal(seeded.uniform(), new Random(3).uniform());
});
