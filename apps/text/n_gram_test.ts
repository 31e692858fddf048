import assert from "node:assert/strict";
import { Random } from "@unfold/core";
import { CountTable, floorsOf, NGram } from "./n_gram.ts";

Deno.test("a CountTable gives the same counts as a Map", () => {
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

Deno.test("bigram probabilities match Witten-Bell smoothing by hand", () => {
  const [a, b, c] = [0, 1, 2];
  const text = [a, b, a, a, c];
  const model = new NGram(2, 4);
  text.forEach((_, at) => model.add(text, at));
  // a is 3 of 5 tokens, 3 of them different: P(a) = (3 + 3/4)/8. After a come b, a and c, once each.
  const unigram = (count: number) => (count + 3 / 4) / 8;
  const probability = (before: number, token: number) => model.probability([before, token], 1);
  assert.equal(probability(a, b), (1 + 3 * unigram(1)) / 6);
  assert.equal(probability(a, 3), 3 * unigram(0) / 6);
  assert.equal(probability(b, a), (1 + 1 * unigram(3)) / 2);
  // No token was seen after c or after 3.
  assert.equal(probability(c, a), unigram(3));
  assert.equal(probability(3, a), unigram(3));
  assert.equal(model.probability([a], 0), unigram(3));
});

Deno.test("probabilities of all tokens sum to 1 in any context", () => {
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

Deno.test("baselines are counted on one part and evaluated on another, across several chunks", () => {
  const random = new Random(1);
  const tokens = Uint8Array.from({ length: 150_000 }, (_, i) => i % 3 === 0 ? random.integer(5) : i % 3);
  const [train, test] = [{ from: 0, to: 140_000 }, { from: 140_000, to: 150_000 }];
  const { uniform, unigram, fiveGram, counted } = floorsOf(tokens, 5, train, test);
  assert.equal(uniform, Math.log(5));
  assert.equal(counted, 140_000);
  const model = new NGram(5, 5);
  for (let at = 0; at < train.to; at++) model.add(tokens, at);
  let expected = 0;
  // The first token of a part has no context.
  for (let at = test.from; at < test.to; at++) {
    const first = Math.max(test.from, at - 4);
    expected -= Math.log(model.probability(tokens.subarray(first, at + 1), at - first)) / 10_000;
  }
  assert.ok(Math.abs(fiveGram - expected) < 1e-12);
  // Two of three tokens are certain given their position in the pattern.
  assert.ok(fiveGram < 0.6 * unigram && fiveGram > Math.log(5) / 3);
});

Deno.test("contexts reach back four tokens across a chunk boundary", () => {
  // In the training part, a 1 follows another four tokens later.
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
