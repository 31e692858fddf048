import { Random, scope } from "@unfold/core";
import assert from "node:assert/strict";
import { generateText } from "../../text/generate.ts";
import { LanguageModel } from "../../text/language_model.ts";
import { floorsOf } from "../../text/n_gram.ts";
import { fromFragment } from "../settings.ts";
import { TextTask } from "./text_task.ts";

const TEXT = Array.from({ length: 80 }, (_, i) => `${i} men went to mow, went\tto mow a meadow\n`).join("");
const { settings } = fromFragment("data=own-text&hidden=10&length=12&cell=gru&seed=9");
const task = new TextTask({ settings, text: TEXT, name: "the song" });
const model = LanguageModel.fromFile(task.toFile("safetensors"), "file");

Deno.test("samples are those of apps/text with the saved model, the same seed and temperature", async () => {
  for (const temperature of [0, 0.7]) {
    const options = { prompt: "", length: 240, temperature, topK: 0, topP: 1, random: new Random(9) };
    const written = (await Array.fromAsync(generateText(model, options))).join("");
    assert.deepEqual(task.preview({ temperature }), { kind: "text", text: written });
  }
});

Deno.test("characters are code points, not surrogate halves", () => {
  const task = new TextTask({ settings, text: "😀 or 🙃? ".repeat(30), name: "faces" });
  const { vocabulary } = LanguageModel.fromFile(task.toFile("safetensors"), "file").config;
  assert.deepEqual(vocabulary, ["😀", " ", "o", "r", "🙃", "?"]);
  assert.equal(task.about, "240 characters, 6 distinct.");
});

Deno.test("baselines are those of apps/text on the validation text, in bits; its beginning is unfolded", () => {
  const tokens = model.tokenizer.encode(TEXT);
  const from = tokens.length - Math.round(0.05 * tokens.length);
  const floors = floorsOf(tokens, model.tokenizer.size, { from: 0, to: from }, { from, to: tokens.length });
  const bits = [floors.unigram / Math.LN2, floors.fiveGram / Math.LN2];
  Object.values(task.baselines).forEach((loss, i) => assert.ok(Math.abs(loss - bits[i]!) < 1e-12));
  using _ = scope();
  const { labels, x } = task.example();
  const marks = TEXT.slice(from, from + 12).replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "⇥");
  assert.equal(labels.join(""), marks);
  assert.deepEqual(x.shape, [1, 12, 32]);
});
