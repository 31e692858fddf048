import assert from "node:assert/strict";
import { noGrad, Random, scope, tensor } from "@unfold/core";
import { LanguageModel } from "./language_model.ts";
import { readPassage, steadiestUnit } from "./report.ts";

Deno.test("the losses along a passage are those of the network on the whole passage", () => {
  const model = new LanguageModel({
    tokens: "char",
    vocabulary: [..."abcdefgh \n"],
    cell: "lstm",
    hidden: 12,
    layers: 2,
    embedding: 6,
    dropout: 0.5,
    tied: false,
  }, new Random(1));
  const { tokens, losses, units } = readPassage(model, [...model.tokenizer.encode("a bad cafe")]);
  assert.deepEqual([tokens.join(""), losses.length, units.length, units[0]!.length], ["a bad cafe", 9, 12, 10]);
  using _ = scope();
  const ids = model.tokenizer.encode("a bad cafe");
  const logits = noGrad(() => model.network.forward(tensor(ids, { shape: [1, 10] }))).toArray() as number[][][];
  const expected = logits[0]!.slice(0, 9).map((row, t) => {
    const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
    return Math.log(total) - row[ids[t + 1]!]!;
  });
  losses.forEach((loss, t) =>
    assert.ok(Math.abs(loss - expected[t]!) < 1e-5, `${t}: ${loss}, expected ${expected[t]}`)
  );
});

Deno.test("the steadiest unit varies the most overall and the least from token to token", () => {
  assert.equal(steadiestUnit([[1, -1, 1, -1, 1, -1], [0.1, 0.1, 0.1, 0.1, 0.1, 0.2], [1, 1, 1, -1, -1, -1]]), 2);
});
