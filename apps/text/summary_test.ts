import assert from "node:assert/strict";
import { lossRows, lossTable, lossVerdict, modelLabel, testLine, textLine } from "./summary.ts";

Deno.test("losses are shown in nats, bits or perplexity; partial n-gram counts are labelled", () => {
  assert.deepEqual(lossRows("char", [["a", Math.LN2]]), {
    head: ["", "nats per character", "bits per character"],
    rows: [["a", "0.6931", "1.0000"]],
  });
  assert.deepEqual(lossRows("word", [["a", Math.log(50)]]).rows, [["a", "3.9120", "50.0"]]);
  const floors = { uniform: 3, unigram: 2, fiveGram: 1, counted: 5000 };
  const losses = { validationLoss: 1.5, floors, parts: { train: 5000 } };
  assert.equal(lossTable("char", "m", losses).rows[1]![0], "5-gram (Witten-Bell)");
  assert.equal(
    lossTable("char", "m", { ...losses, parts: { train: 9000 } }).rows[1]![0],
    "5-gram (on 5,000 characters)",
  );
  assert.equal(
    lossVerdict("char", losses),
    "The 5-gram baseline is still better than the model, by 0.500 nats per character.",
  );
  assert.equal(
    lossVerdict("word", { ...losses, validationLoss: 0.9 }),
    "The model beats the 5-gram baseline by 0.100 nats per word.",
  );
  assert.equal(
    lossVerdict("char", { ...losses, validationLoss: 2.5 }),
    "The model is no better than character frequencies alone; train it for longer.",
  );
  assert.equal(testLine("byte", 1.5, 2000), "Test loss, on the last 2,000 bytes: 1.5000 nats per byte.");
});

Deno.test("texts and models are described in one line", () => {
  assert.equal(
    textLine("a", "word", { tokens: 2000, vocabulary: 50, unknown: 25 }),
    "a: 2,000 words, 50 distinct; 1.25 % of the words are <unk>.",
  );
  assert.equal(textLine("a", "byte", { tokens: 7, vocabulary: 256, unknown: 0 }), "a: 7 bytes.");
  assert.equal(modelLabel({ cell: "lstm", hidden: 192, layers: 1 }), "1×192 LSTM");
  assert.equal(modelLabel({ cell: "relu", hidden: 8, layers: 2 }), "2×8 ReLU RNN");
});
