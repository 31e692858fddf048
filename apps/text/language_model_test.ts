import assert from "node:assert/strict";
import { noGrad, Random, scope, tensor } from "@unfold/core";
import { CELLS } from "../shared/choices.ts";
import { generateText, generateTokens, Reader, sampleToken } from "./generate.ts";
import { LanguageModel, type LanguageModelConfig } from "./language_model.ts";
import { readPassage, steadiestUnit } from "./report.ts";

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
    Deno.test(`${cell} ${JSON.stringify(more)}: read token by token it says what it says of the whole text, also from a file`, () => {
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

Deno.test("a tied model has one matrix for what it reads and writes", () => {
  const sizes = [false, true].map((tied) => {
    const model = new LanguageModel({ ...config, embedding: 12, tied }, new Random(1));
    return Object.values(model.network.parameters()).reduce((total, { size }) => total + size, 0);
  });
  assert.equal(sizes[0]! - sizes[1]!, 10 * 12);
  assert.throws(() => new LanguageModel({ ...config, tied: true }, new Random(1)), {
    message: "Cannot tie the last layer to the embedding: both must have equally many features, got 12 and 6",
  });
});

Deno.test("files of another kind, or that were altered, are refused", () => {
  const bytes = new LanguageModel(config, new Random(1)).toFile();
  const altered = (from: string, to: string) => {
    const text = new TextDecoder("latin1").decode(bytes);
    // Of the same length, so that the header's length stays right.
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

Deno.test("greedy takes the likeliest; temperature, top-k and top-p draw as often as they should", () => {
  const logits = Float32Array.from([0.5, 0.25, 0.15, 0.1], Math.log);
  const random = new Random(1);
  const shares = (options: Partial<Parameters<typeof sampleToken>[1]>) => {
    const counts = [0, 0, 0, 0];
    const all = { temperature: 1, topK: 0, topP: 1, ...options };
    for (let i = 0; i < 20_000; i++) counts[sampleToken(logits, all, random)]!++;
    return counts.map((count) => count / 20_000);
  };
  const alike = (found: number[], expected: number[]) =>
    found.forEach((share, i) => assert.ok(Math.abs(share - expected[i]!) < 0.015, `${found}, expected ${expected}`));
  alike(shares({}), [0.5, 0.25, 0.15, 0.1]);
  const squares = 0.25 + 0.0625 + 0.0225 + 0.01;
  alike(shares({ temperature: 0.5 }), [0.25 / squares, 0.0625 / squares, 0.0225 / squares, 0.01 / squares]);
  assert.deepEqual(shares({ temperature: 0 }), [1, 0, 0, 0]);
  alike(shares({ topK: 2 }), [2 / 3, 1 / 3, 0, 0]);
  alike(shares({ topP: 0.7 }), [2 / 3, 1 / 3, 0, 0]);
  alike(shares({ topP: 0.76 }), [5 / 9, 2.5 / 9, 1.5 / 9, 0]);
  assert.deepEqual(shares({ topP: 1e-9 }), [1, 0, 0, 0]);
  assert.deepEqual(shares({ topK: 3, topP: 0.4 }), [1, 0, 0, 0]);
  // Exactly reached is reached.
  assert.deepEqual(shares({ topP: 0.5 }), [1, 0, 0, 0]);
  const last = logits.toReversed();
  assert.equal(sampleToken(last, { temperature: 0, topK: 0, topP: 1 }, random), 3);
  // Neither large nor small logits overflow.
  const large = Float32Array.of(1e4, 1e4 - 1);
  const drawn = Array.from({ length: 2000 }, () => sampleToken(large, { temperature: 1, topK: 0, topP: 1 }, random));
  assert.ok(Math.abs(drawn.filter((token) => token === 0).length / 2000 - 0.73) < 0.05);
});

const writing = { prompt: "ab", length: 60, temperature: 1, topK: 0, topP: 1 };
const write = async (model: LanguageModel, options: object = {}) =>
  (await Array.fromAsync(generateText(model, { ...writing, random: new Random(5), ...options }))).join("");

Deno.test("the same seed writes the same text, greedy whatever the seed; a stop text ends before it comes", async () => {
  const model = new LanguageModel(config, new Random(1));
  const text = await write(model);
  assert.equal(text.length, 60);
  assert.equal(await write(model), text);
  assert.notEqual(await write(model, { random: new Random(6) }), text);
  const greedy = await write(model, { temperature: 0 });
  assert.equal(await write(model, { temperature: 0, random: new Random(6) }), greedy);
  for (const stop of [text.slice(20, 23), text.slice(40, 41), text.slice(57, 60)]) {
    assert.equal(await write(model, { stop }), text.slice(0, text.indexOf(stop)));
  }
  assert.equal(await write(model, { stop: "never" }), text);
  // What might have been the start of it is not lost at the end.
  assert.equal(await write(model, { stop: `${text.slice(-2)}!` }), text);
  await assert.rejects(() => write(model, { prompt: "x" }), /got "x", which was not in the text/);
});

Deno.test("what cannot be drawn by is refused", () => {
  const model = new LanguageModel(config, new Random(1));
  const refused = (options: object, message: string) => {
    const all = { ...writing, count: 1, random: new Random(1), ...options };
    assert.throws(() => generateTokens(model, all).next(), {
      name: "RangeError",
      message: `Cannot generate: ${message}`,
    });
  };
  refused({ temperature: -1 }, "temperature must be a number of 0 or more, got -1");
  refused({ temperature: NaN }, "temperature must be a number of 0 or more, got NaN");
  refused({ topK: 1.5 }, "topK must be an integer of 0 or more, got 1.5");
  refused({ topP: 0 }, "topP must be above 0, 1 at most, got 0");
  refused({ length: NaN }, "length must be an integer of 1 or more, got NaN");
  refused({ count: 0 }, "count must be an integer of 1 or more, got 0");
});

Deno.test("without a prompt a line break is read, where there is one", async () => {
  const model = new LanguageModel(config, new Random(1));
  assert.equal(await write(model, { prompt: "" }), await write(model, { prompt: "\n" }));
  const without = new LanguageModel({ ...config, vocabulary: ["a", "b"] }, new Random(1));
  assert.equal((await write(without, { prompt: "" })).length, 60);
});

Deno.test("while the tape records, dropout is between the layers and before the last", () => {
  for (const layers of [1, 2]) {
    const model = new LanguageModel({ ...config, layers }, new Random(1));
    using _ = scope();
    const x = tensor(model.tokenizer.encode("abcd"), { shape: [1, 4] });
    const drops = () => model.network.forward(x).data.slice();
    assert.notDeepEqual(drops(), drops());
    model.network.reset();
    const quiet = () => noGrad(() => model.network.forward(x)).data.slice();
    const first = quiet();
    model.network.reset();
    noGrad(() => model.network.reset());
    assert.deepEqual(quiet(), first);
  }
});

Deno.test("many texts at once: each goes on from the prompt by itself", () => {
  const model = new LanguageModel(config, new Random(1));
  const columns = Array.from(
    generateTokens(model, { ...writing, count: 3, random: new Random(2) }),
    (tokens) => [...tokens],
  );
  const texts = [0, 1, 2].map((row) => columns.map((tokens) => tokens[row]!));
  assert.equal(new Set(texts.map(String)).size, 3);
  // Where each took the likeliest they are all the one that is written alone.
  const greedy = { ...writing, temperature: 0, random: new Random(2) };
  const one = Array.from(generateTokens(model, { ...greedy, count: 1 }), ([token]) => token);
  const three = Array.from(generateTokens(model, { ...greedy, count: 3 }), (tokens) => [...tokens]);
  assert.deepEqual(three, one.map((token) => [token, token, token]));
});

Deno.test("a passage's losses are those of the whole; the steadiest unit is the one that changes least for its spread", () => {
  const model = new LanguageModel(config, new Random(1));
  const { tokens, losses, units } = readPassage(model, [...model.tokenizer.encode("a bad cafe")]);
  assert.deepEqual([tokens.join(""), losses.length, units.length, units[0]!.length], ["a bad cafe", 9, 12, 10]);
  using _ = scope();
  const ids = model.tokenizer.encode("a bad cafe");
  const logits = noGrad(() => model.network.forward(tensor(ids, { shape: [1, 10] }))).toArray() as number[][][];
  const expected = logits[0]!.slice(0, 9).map((row, t) => {
    const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
    return Math.log(total) - row[ids[t + 1]!]!;
  });
  near(losses, expected);
  assert.equal(steadiestUnit([[1, -1, 1, -1, 1, -1], [0.1, 0.1, 0.1, 0.1, 0.1, 0.2], [1, 1, 1, -1, -1, -1]]), 2);
});

Deno.test("reading and writing hold memory constant", async () => {
  const model = new LanguageModel(config, new Random(1));
  const { memoryStats } = await import("@unfold/core");
  await write(model);
  const before = memoryStats();
  for (let i = 0; i < 20; i++) await write(model);
  assert.deepEqual(memoryStats(), before);
});
