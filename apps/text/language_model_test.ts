import assert from "node:assert/strict";
import { encodeSafetensors, noGrad, Random, type SafetensorsInput, scope, tensor } from "@unfold/core";
import { memory } from "@unfold/core/kernels";
import { CELLS } from "../shared/choices.ts";
import { Classifier } from "./classifier/classifier.ts";
import { Reader } from "./generate.ts";
import { LanguageModel, type LanguageModelConfig } from "./language_model.ts";

const config: LanguageModelConfig = {
  tokens: "char",
  vocabulary: [..."abcdefgh \n"],
  cell: "lstm",
  hidden: 12,
  layers: 2,
  embedding: 6,
  dropout: 0.5,
  tied: false,
};

const near = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  assert.equal(a.length, b.length);
  for (let i = 0; i < a.length; i++) assert.ok(Math.abs(a[i]! - b[i]!) < 1e-5, `${i}: ${a[i]}, expected ${b[i]}`);
};

for (const cell of CELLS) {
  for (const more of [{}, { tied: true, embedding: 12 }, { layers: 1 }]) {
    Deno.test(`${cell} ${JSON.stringify(more)}: reading token by token gives the logits of the whole text, also after saving and loading`, () => {
      const model = new LanguageModel({ ...config, cell, ...more }, new Random(1));
      const ids = model.tokenizer.encode("a bad cafe\n");
      using _ = scope();
      const whole = noGrad(() => model.network.forward(tensor(ids, { shape: [1, ids.length] })));
      const again = LanguageModel.fromFile(model.toFile(), "file");
      for (const one of [model, again]) {
        using reader = new Reader(one, 1);
        const read = Array.from(ids, (id) => [...reader.read(Int32Array.of(id))]);
        near(read.flat(), whole.data);
      }
    });
  }
}

Deno.test("a tied model shares one matrix between the embedding and the output layer", () => {
  const sizes = [false, true].map((tied) => {
    const model = new LanguageModel({ ...config, embedding: 12, tied }, new Random(1));
    return Object.values(model.network.parameters()).reduce((total, { size }) => total + size, 0);
  });
  assert.equal(sizes[0]! - sizes[1]!, 10 * 12);
  assert.throws(() => new LanguageModel({ ...config, tied: true }, new Random(1)), {
    message: "Cannot tie the output layer to the embedding: embedding must equal hidden, got 6 and 12",
  });
});

Deno.test("altered files and files of another kind are refused", () => {
  const bytes = new LanguageModel(config, new Random(1)).toFile();
  const altered = (from: string, to: string) => {
    const text = new TextDecoder("latin1").decode(bytes);
    // Padded to the same length, so that the header's length stays valid.
    return Uint8Array.from(text.replace(from, to.padEnd(from.length)), (char) => char.charCodeAt(0));
  };
  const cases: [string, string, RegExp][] = [
    ['\\"cell\\":\\"lstm\\"', '\\"cell\\":\\"lstn\\"', /its cell must be one of lstm, gru, rnn, relu, got "lstn"$/],
    ['\\"hidden\\":12', '\\"hidden\\":13', /1\.recurrentWeight must have 13 rows, got 12$/],
    ['\\"embedding\\":6', '\\"embedding\\":7', /its embedding must be the 6 columns of 0\.weight, got 7$/],
    ['\\"layers\\":2', '\\"layers\\":0', /its layers must be a positive integer, got 0$/],
    ['\\"tied\\":false', '\\"tied\\":1', /its tied must be true or false, got 1$/],
    ['\\"kind\\":\\"language\\"', '\\"kind\\":\\"other\\"', /it must be a language model, got "other"$/],
    ['\\"a\\",\\"b\\"', '\\"a\\",\\"a\\"', /its vocabulary must be a list of different texts, got \["a","a",/],
    ["unfold.text", "unfold.tent", /it must be a model of this app, got no unfold\.text metadata$/],
  ];
  for (const [from, to, message] of cases) {
    assert.throws(() => LanguageModel.fromFile(altered(from, to), "file"), { name: "SafetensorsError", message });
  }
});

Deno.test("dropout is active only while the tape records, between the layers and before the output layer", () => {
  for (const layers of [1, 2]) {
    const model = new LanguageModel({ ...config, layers }, new Random(1));
    using _ = scope();
    const x = tensor(model.tokenizer.encode("abcd"), { shape: [1, 4] });
    const training = () => model.network.forward(x).data.slice();
    assert.notDeepEqual(training(), training());
    model.network.reset();
    const inference = () => noGrad(() => model.network.forward(x)).data.slice();
    const first = inference();
    model.network.reset();
    noGrad(() => model.network.reset());
    assert.deepEqual(inference(), first);
  }
});

Deno.test("a small file cannot ask for a huge network", () => {
  const tensors = (hidden: number, width: number): [string, SafetensorsInput][] => [
    ["0.weight", { shape: [5, 1], data: new Float32Array(5) }],
    ["1.recurrentWeight", { shape: [hidden, width], data: new Float32Array(hidden * width) }],
  ];
  const fileOf = (hidden: number, width: number, more: object) => {
    const config = {
      cell: "lstm",
      hidden,
      layers: 1,
      embedding: 1,
      dropout: 0,
      tokens: "char",
      vocabulary: [..."abcde"],
    };
    const metadata = { "unfold.text": JSON.stringify({ ...config, ...more }) };
    return encodeSafetensors(tensors(hidden, width), { metadata });
  };
  const before = memory.buffer.byteLength;
  const language = { kind: "language", tied: false };
  assert.throws(() => LanguageModel.fromFile(fileOf(100_000, 0, language), "small"), {
    name: "SafetensorsError",
    message: "Cannot read small: it must have the 40,001,300,010 weights of its configuration, got 5",
  });
  assert.throws(() => LanguageModel.fromFile(fileOf(300, 4, { ...language, layers: 2 }), "small"), {
    message: /it must have the [\d,]+ weights of its configuration, got 1,205$/,
  });
  const classes = Array.from({ length: 100_000 }, (_, i) => `${i}`);
  const encoder = {
    ...{ cell: "lstm", hidden: 100, layers: 1, embedding: 1, dropout: 0 },
    ...{ bidirectional: true, pools: ["mean"], embeddingDropout: 0, wordDropout: 0 },
  };
  const classifier = {
    kind: "classifier",
    model: "network",
    tokens: "char",
    vocabulary: [..."abcd", "<unk>"],
    classes,
  };
  const small = encodeSafetensors([
    ["encoder.0.weight", { shape: [5, 1], data: new Float32Array(5) }],
    ["encoder.2.recurrentWeight", { shape: [100, 400], data: new Float32Array(40_000) }],
    ["bag.weight", { shape: [5, 1], data: new Float32Array(5) }],
  ], { metadata: { "unfold.text": JSON.stringify({ ...classifier, encoder }) } });
  assert.throws(() => Classifier.fromFile(small, "small"), {
    message: /it must have the [\d,]+ weights of its configuration, got 40,010$/,
  });
  const bag = encodeSafetensors([["bag.weight", { shape: [5, 1], data: new Float32Array(5) }]], {
    metadata: { "unfold.text": JSON.stringify({ ...classifier, model: "logistic", bag: { parents: [] } }) },
  });
  assert.throws(() => Classifier.fromFile(bag, "small"), { message: /bag\.weight must have 100000 columns, got 1$/ });
  assert.equal(memory.buffer.byteLength, before, "nothing was allocated");
});
