import assert from "node:assert/strict";
import { noGrad, Random, scope, tensor } from "@unfold/core";
import { CELLS } from "../shared/choices.ts";
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
