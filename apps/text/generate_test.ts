import assert from "node:assert/strict";
import { memoryStats, Random } from "@unfold/core";
import { generateText, generateTokens, sampleToken } from "./generate.ts";
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

Deno.test("temperature 0 takes the most likely token; temperature, top-k and top-p sample with the right frequencies", () => {
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
  // A probability that is reached exactly is enough.
  assert.deepEqual(shares({ topP: 0.5 }), [1, 0, 0, 0]);
  const last = logits.toReversed();
  assert.equal(sampleToken(last, { temperature: 0, topK: 0, topP: 1 }, random), 3);
  // Large logits do not overflow.
  const large = Float32Array.of(1e4, 1e4 - 1);
  const drawn = Array.from({ length: 2000 }, () => sampleToken(large, { temperature: 1, topK: 0, topP: 1 }, random));
  assert.ok(Math.abs(drawn.filter((token) => token === 0).length / 2000 - 0.73) < 0.05);
});

const writing = { prompt: "ab", length: 60, temperature: 1, topK: 0, topP: 1 };
const write = async (model: LanguageModel, options: object = {}) =>
  (await Array.fromAsync(generateText(model, { ...writing, random: new Random(5), ...options }))).join("");

Deno.test("the same seed gives the same text, temperature 0 ignores the seed, and the text ends before the stop text", async () => {
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
  // Held-back text that may begin the stop text is not lost at the end.
  assert.equal(await write(model, { stop: `${text.slice(-2)}!` }), text);
  await assert.rejects(() => write(model, { prompt: "x" }), /must be in the model's vocabulary, got "x"/);
});

Deno.test("options that are out of range are refused", () => {
  const model = new LanguageModel(config, new Random(1));
  const refused = (options: object, message: string) => {
    const all = { ...writing, count: 1, random: new Random(1), ...options };
    assert.throws(() => generateTokens(model, all).next(), {
      name: "RangeError",
      message: `Cannot generate: ${message}`,
    });
  };
  refused({ temperature: -1 }, "temperature must be a finite number ≥ 0, got -1");
  refused({ temperature: NaN }, "temperature must be a finite number ≥ 0, got NaN");
  refused({ topK: 1.5 }, "topK must be an integer ≥ 0, got 1.5");
  refused({ topP: 0 }, "topP must be in (0, 1], got 0");
  refused({ length: NaN }, "length must be an integer of 1 or more, got NaN");
  refused({ count: 0 }, "count must be an integer of 1 or more, got 0");
});

Deno.test("without a prompt the model reads a line break, if its vocabulary has one", async () => {
  const model = new LanguageModel(config, new Random(1));
  assert.equal(await write(model, { prompt: "" }), await write(model, { prompt: "\n" }));
  const without = new LanguageModel({ ...config, vocabulary: ["a", "b"] }, new Random(1));
  assert.equal((await write(without, { prompt: "" })).length, 60);
});

Deno.test("several texts at once continue the prompt independently", () => {
  const model = new LanguageModel(config, new Random(1));
  const columns = Array.from(
    generateTokens(model, { ...writing, count: 3, random: new Random(2) }),
    (tokens) => [...tokens],
  );
  const texts = [0, 1, 2].map((row) => columns.map((tokens) => tokens[row]!));
  assert.equal(new Set(texts.map(String)).size, 3);
  // At temperature 0 all of them equal a text generated alone.
  const greedy = { ...writing, temperature: 0, random: new Random(2) };
  const one = Array.from(generateTokens(model, { ...greedy, count: 1 }), ([token]) => token);
  const three = Array.from(generateTokens(model, { ...greedy, count: 3 }), (tokens) => [...tokens]);
  assert.deepEqual(three, one.map((token) => [token, token, token]));
});

Deno.test("generating keeps memory constant", async () => {
  const model = new LanguageModel(config, new Random(1));
  await write(model);
  const before = memoryStats();
  for (let i = 0; i < 20; i++) await write(model);
  assert.deepEqual(memoryStats(), before);
});
