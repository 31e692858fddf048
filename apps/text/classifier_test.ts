import { Random } from "@unfold/core";
import { adam } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { runApp } from "../shared/_run_app.ts";
import { Classifier } from "./classifier.ts";
import type { LabelledText } from "./labelled_text.ts";
import { type ClassifierSettings, trainClassifier } from "./train_classifier.ts";

const settings: ClassifierSettings = {
  tokens: "word",
  vocabulary: 100,
  cell: "lstm",
  hidden: 12,
  layers: 1,
  embedding: 8,
  dropout: 0.1,
  bidirectional: false,
  longest: 20,
  batchSize: 16,
  epochs: 6,
  learningRate: 1e-2,
  clip: 5,
  validation: 0.15,
  test: 0.15,
  seed: 1,
};

/** Texts whose label depends on both the first and the last word: "good … not" is negative. */
function reviews(count: number): LabelledText {
  const random = new Random(3);
  const fillers = ["film", "this", "was", "and", "so", "very", "long"];
  const texts: string[] = [];
  const labels: string[] = [];
  for (let i = 0; i < count; i++) {
    const [isGood, isNegated] = [random.integer(2) === 0, random.integer(2) === 0];
    const middle = Array.from({ length: random.integer(9) }, () => fillers[random.integer(fillers.length)]!);
    texts.push([isGood ? "good" : "bad", ...middle, isNegated ? "not" : "indeed", String(i)].join(" "));
    labels.push(isGood !== isNegated ? "positive" : "negative");
  }
  return { name: "reviews", texts, labels };
}

const run = { optimizer: adam(), onEvent: () => {}, signal: new AbortController().signal };

for (const bidirectional of [false, true]) {
  Deno.test(`a${bidirectional ? " bidirectional" : ""} classifier learns labels that depend on both ends of a text`, async () => {
    const result = (await trainClassifier(reviews(1200), { ...settings, bidirectional, epochs: 10 }, run))!;
    assert.ok(result.accuracy > 0.9, `${result.accuracy}`);
    assert.ok(result.majority.accuracy < 0.65 && result.macroF1 > 0.9);
    const total = result.confusion.flat().reduce((a, b) => a + b, 0);
    assert.equal(total, result.parts.test);
    const [[a, ,], [, d]] = result.confusion as [[number, number], [number, number]];
    assert.equal((a + d) / total, result.accuracy);
    // Rows are actual classes, so the row of the majority class has as many texts as the majority baseline gets right.
    const rows = result.confusion.map((row) => row.reduce((a, b) => a + b, 0));
    const { labels } = reviews(1200);
    assert.equal(
      rows[[...new Set(labels)].sort().indexOf(result.majority.label)],
      Math.round(result.majority.accuracy * total),
    );
    // The best epoch's weights were kept.
    const losses = result.history.map(({ validationLoss }) => validationLoss!);
    assert.equal(losses[result.bestEpoch - 1], Math.min(...losses));
    assert.equal(result.classifier.tokensOf("good ".repeat(50)).length, settings.longest);
    assert.equal(result.calibration.bins.reduce((sum, { count }) => sum + count, 0), total);

    const again = Classifier.fromFile(result.classifier.toFile(), "file");
    const texts = ["good film not", "good film indeed", "bad"];
    assert.deepEqual(again.predict(texts), result.classifier.predict(texts));
    // Padding next to a longer text changes nothing.
    const [alone] = again.predict(["good film indeed"]);
    const [beside] = again.predict(["good film indeed", `bad ${"very ".repeat(15)}long`]);
    assert.equal(alone!.label, "positive");
    alone!.probabilities.forEach((probability, i) =>
      assert.ok(Math.abs(probability - beside!.probabilities[i]!) < 1e-6)
    );
  });
}

Deno.test("identical texts go to the same part; the vocabulary comes from the training part", async () => {
  const data = reviews(300);
  const doubled = { ...data, texts: [...data.texts, ...data.texts], labels: [...data.labels, ...data.labels] };
  const { parts, classifier } = (await trainClassifier(doubled, { ...settings, epochs: 1, vocabulary: 5000 }, run))!;
  assert.deepEqual(parts, { train: 420, validation: 90, test: 90 });
  // Each text ends with a different number, and 210 different texts are in the training part.
  assert.equal(classifier.config.vocabulary.filter((token) => /^ \d+$/.test(token)).length, 210);
});

Deno.test("classify trains on a file, prints its scores, and classifies the lines of stdin", () =>
  withFolder(async (folder) => {
    const { texts, labels } = reviews(300);
    const file = `${folder}/reviews.csv`;
    await Deno.writeTextFile(file, `text,label\n${texts.map((text, i) => `${text},${labels[i]}`).join("\n")}\n`);
    const out = `${folder}/a`;
    const trained = await runApp("text", folder, [
      "classify",
      "--csv",
      file,
      "--out",
      out,
      "--epochs",
      "2",
      "--hidden",
      "12",
    ]);
    assert.equal(trained.code, 0, trained.stderr);
    assert.match(trained.stdout, /\nactual \\ predicted +negative +positive\n/);
    assert.match(trained.stdout, /\nconfidence +texts +mean confidence +accuracy\n/);
    assert.match(
      trained.stdout,
      /\nMacro F1 [\d.]+, expected calibration error [\d.]+ %\.\nAccuracy [\d.]+ %; always predicting "(posi|nega)tive", the most frequent class in training, gives [\d.]+ %\.\n$/,
    );
    const classifier = `${out}/classifier.safetensors`;
    const predict = (stdin: string, ...args: string[]) =>
      runApp("text", folder, ["classify", "predict", classifier, ...args], { stdin });
    const { stdout, code, stderr } = await predict("good film indeed\n\nbad film indeed");
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^(posi|nega)tive\t[01]\.\d{3}\tgood film indeed\n(posi|nega)tive\t[01]\.\d{3}\tbad film indeed\n$/,
    );
    const lines = (await predict("a\r\nb\r\n", "--json")).stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ text }) => text), ["a", "b"]);
    assert.ok(Math.abs(lines[0].probabilities.positive + lines[0].probabilities.negative - 1) < 1e-6);

    const generated = await runApp("text", folder, ["generate", classifier]);
    assert.deepEqual([generated.code, generated.stdout], [1, ""]);
    assert.match(generated.stderr, /^error: Cannot read .*: it must be a language model, got "classifier"\n$/);
  }));
