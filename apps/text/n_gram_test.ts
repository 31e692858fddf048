import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { CountTable, floorsOf, NGram } from "./n_gram.ts";

Deno.test("a table counts as a Map does", () => {
  const random = new Random(1);
  const [table, map] = [new CountTable(), new Map<number, number>()];
  for (let i = 0; i < 20_000; i++) {
    const key = random.integer(2) === 0 ? random.integer(5000) : random.integer(2 ** 26) * 2 ** 26 + random.integer(9);
    table.set(key, table.get(key) + 1);
    map.set(key, (map.get(key) ?? 0) + 1);
  }
  for (const [key, count] of map) assert.equal(table.get(key), count);
  assert.equal(table.get(2 ** 53 - 1), 0);
});

Deno.test("Witten-Bell by hand: bigrams of abaac", () => {
  const [a, b, c] = [0, 1, 2];
  const text = [a, b, a, a, c];
  const model = new NGram(2, 4);
  text.forEach((_, at) => model.add(text, at));
  // a 3 times of 5, 3 different tokens: P(a) = (3 + 3/4)/8. After a: b, a, c, once each of 3.
  const unigram = (count: number) => (count + 3 / 4) / 8;
  const probability = (before: number, token: number) => model.probability([before, token], 1);
  assert.equal(probability(a, b), (1 + 3 * unigram(1)) / 6);
  assert.equal(probability(a, 3), 3 * unigram(0) / 6);
  assert.equal(probability(b, a), (1 + 1 * unigram(3)) / 2);
  // Nothing was ever seen after c, nor after 3.
  assert.equal(probability(c, a), unigram(3));
  assert.equal(probability(3, a), unigram(3));
  assert.equal(model.probability([a], 0), unigram(3));
});

Deno.test("probabilities of all tokens add up to 1, after any context", () => {
  const random = new Random(1);
  const tokens = Array.from({ length: 2000 }, () => Math.min(random.integer(7), random.integer(7)));
  const model = new NGram(5, 7);
  tokens.slice(0, 1500).forEach((_, at) => model.add(tokens, at));
  for (const at of [3, 700, 1600, 1999]) {
    const total = Array.from({ length: 7 }, (_, token) => model.probability(tokens.with(at, token), at))
      .reduce((a, b) => a + b);
    assert.ok(Math.abs(total - 1) < 1e-12);
  }
});

Deno.test("the floors are counted on one part and taken on another, also across the pieces that are read at a time", () => {
  const random = new Random(1);
  const tokens = Uint8Array.from({ length: 150_000 }, (_, i) => i % 3 === 0 ? random.integer(5) : i % 3);
  const [train, test] = [{ from: 0, to: 140_000 }, { from: 140_000, to: 150_000 }];
  const { uniform, unigram, fiveGram, counted } = floorsOf(tokens, 5, train, test);
  assert.equal(uniform, Math.log(5));
  assert.equal(counted, 140_000);
  const model = new NGram(5, 5);
  for (let at = 0; at < train.to; at++) model.add(tokens, at);
  let expected = 0;
  // What is read at the start of a part has nothing before it.
  for (let at = test.from; at < test.to; at++) {
    const first = Math.max(test.from, at - 4);
    expected -= Math.log(model.probability(tokens.subarray(first, at + 1), at - first)) / 10_000;
  }
  assert.ok(Math.abs(fiveGram - expected) < 1e-12);
  // Two of three tokens are certain once the place in the pattern is.
  assert.ok(fiveGram < 0.6 * unigram && fiveGram > Math.log(5) / 3);
});

Deno.test("a token that depends on the one four before it, at the border of the pieces that are read", () => {
  // All tokens but that at the border are 0; it follows what stands four before it.
  const tokens = new Uint8Array(70_000);
  for (let at = 0; at < 60_000; at += 10) tokens[at] = tokens[at + 4] = 1;
  const test = { from: 1, to: 65_536 + 20 };
  const { fiveGram } = floorsOf(tokens, 2, { from: 0, to: 60_000 }, test);
  const model = new NGram(5, 2);
  for (let at = 0; at < 60_000; at++) model.add(tokens, at);
  let expected = 0;
  for (let at = test.from; at < test.to; at++) {
    const first = Math.max(test.from, at - 4);
    expected -= Math.log(model.probability(tokens.subarray(first, at + 1), at - first));
  }
  assert.ok(Math.abs(fiveGram - expected / (test.to - test.from)) < 1e-9);
});
