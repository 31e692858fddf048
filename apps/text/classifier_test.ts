import { Random } from "@unfold/core";
import { adam } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { runApp } from "../shared/_run_app.ts";
import { Classifier } from "./classifier.ts";
import type { LabelledText } from "./labelled_text.ts";
import { type ClassifierSettings, type ClassScore, trainClassifier } from "./train_classifier.ts";

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
      /\nBalanced accuracy [\d.]+ %, macro F1 [\d.]+, expected calibration error [\d.]+ %\.\nAccuracy [\d.]+ %; always predicting "(posi|nega)tive", the most frequent class in training, gives [\d.]+ %\.\n$/,
    );
    const classifier = `${out}/classifier.safetensors`;
    const predict = (stdin: string, ...args: string[]) =>
      runApp("text", folder, ["classify", "predict", classifier, ...args], { stdin });
    const { stdout, code, stderr } = await predict("good film indeed\n\nbad film indeed");
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^(posi|nega)tive\t[01]\.\d{3}\tgood film indeed\n\n(posi|nega)tive\t[01]\.\d{3}\tbad film indeed\n$/,
    );
    const lines = (await predict("a\r\nb\r\n", "--json")).stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ text }) => text), ["a", "b"]);
    assert.ok(Math.abs(lines[0].probabilities.positive + lines[0].probabilities.negative - 1) < 1e-6);

    const generated = await runApp("text", folder, ["generate", classifier]);
    assert.deepEqual([generated.code, generated.stdout], [1, ""]);
    assert.match(generated.stderr, /^error: Cannot read .*: it must be a language model, got "classifier"\n$/);
  }));

/** Runs the classify command of the app. */
function classify(folder: string, args: readonly string[], stdin?: string) {
  return runApp("text", folder, ["classify", ...args], { ...(stdin !== undefined && { stdin }) });
}

const SMALL = ["--epochs", "2", "--hidden", "8", "--embedding", "8"];

/** Trains a classifier on reviews in a CSV, with the texts changed. */
async function trained(folder: string, change: (text: string, i: number) => string, ...args: string[]) {
  const { texts, labels } = reviews(200);
  const file = `${folder}/reviews.csv`;
  await Deno.writeTextFile(
    file,
    `text,label\n${texts.map((text, i) => `${change(text, i)},${labels[i]}`).join("\n")}\n`,
  );
  const result = await classify(folder, ["--csv", file, "--out", `${folder}/a`, ...SMALL, ...args]);
  assert.equal(result.code, 0, result.stderr);
  return { ...result, file, model: `${folder}/a/classifier.safetensors` };
}

Deno.test("predict keeps the order of rows, blank ones included, in CSV and JSON lines; unknown words are counted", () =>
  withFolder(async (folder) => {
    const { model } = await trained(folder, (text) => text);
    const file = `${folder}/new.csv`;
    await Deno.writeTextFile(file, 'id;review\n1;"good; film"\n\n2;\n3;zzz qqq\n');
    const csv = await classify(folder, ["predict", model, "--csv", file, "--text-column", "review"]);
    assert.match(
      csv.stdout,
      /^id;review;predicted;probability\n1;"good; film";\w+;[01]\.\d{3}\n;;;\n2;;;\n3;zzz qqq;\w+;[01]\.\d{3}\n$/,
      csv.stderr,
    );
    assert.match(csv.stderr, /^note: [\d.]+ % of the words are not in the vocabulary of the classifier\n$/);
    const lines = '{"text": "good film", "id": 7}\n{"text": "", "id": 8}\n';
    const json = await classify(folder, ["predict", model, "--csv", "-"], lines);
    const [first, second] = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual([first.id, first.text, typeof first.predicted, second.predicted], [
      "7",
      "good film",
      "string",
      null,
    ]);
    const plain = await classify(folder, ["predict", model], "\ngood film\r\n\n");
    assert.match(plain.stdout, /^\n\w+\t[01]\.\d{3}\tgood film\n\n$/);
    const missing = await classify(folder, ["predict", model, "--csv", file]);
    assert.deepEqual([missing.code, missing.stdout], [1, ""]);
    assert.match(missing.stderr, /column "text" is missing; it has "id", "review"; --text-column names it/);
  }));

Deno.test("long texts that are cut are counted, and --keep and --max-tokens choose what is read", () =>
  withFolder(async (folder) => {
    const filler = (text: string) => `${"the film ".repeat(20)}${text}`;
    const { stderr } = await trained(folder, filler, "--max-tokens", "30");
    assert.match(
      stderr,
      /^warning: 200 of 200 texts have more than 30 words \(the longest has \d+\), and only their start is read; --max-tokens reads more, --keep end reads the other end\n/,
    );
    const { model, stdout } = await trained(folder, filler, "--max-tokens", "30", "--keep", "end", "--json");
    assert.equal(JSON.parse(stdout).settings.keep, "end");
    const classifier = Classifier.fromFile(await Deno.readFile(model), model);
    const tokens = classifier.tokensOf(filler("good indeed"));
    assert.equal(tokens.length, 30);
    assert.deepEqual([...tokens.slice(-2)], [...classifier.tokenizer.encode("x good indeed").slice(-2)]);
    const predicted = await classify(folder, ["predict", model], `${filler("good indeed")}\n`);
    assert.match(predicted.stderr, /note: 1 of 1 texts have more than 30 words; only their end was read/);
  }));

Deno.test("every class is in every part, and the scores of a rare one are shown", async () => {
  const texts = Array.from({ length: 128 }, (_, i) => `${i < 8 ? "rare" : "usual"} ${i}`);
  const data = { name: "rare", texts, labels: texts.map((_, i) => i < 8 ? "rare" : "usual") };
  for (const seed of [1, 2, 3]) {
    const result = (await trainClassifier(data, { ...settings, seed, epochs: 3, validation: 0.1, test: 0.1 }, run))!;
    assert.deepEqual(result.parts, { train: 102, validation: 13, test: 13 });
    assert.deepEqual(result.perClass.map(({ train, test }) => [train, test]), [[6, 1], [96, 12]]);
    assert.ok(Math.abs(result.majority.accuracy - 12 / 13) < 1e-12);
    const [rare, usual] = result.perClass as [ClassScore, ClassScore];
    assert.ok(Math.abs(result.balancedAccuracy - (rare.recall + usual.recall) / 2) < 1e-12);
    assert.ok(Math.abs(result.macroF1 - (rare.f1 + usual.f1) / 2) < 1e-12 || rare.f1 + usual.f1 === usual.f1);
    assert.ok(result.tokens.test.unknown >= 13);
  }
  const weighted = { ...settings, epochs: 8, validation: 0.1, test: 0.1, classWeights: "balanced" as const };
  assert.equal((await trainClassifier(data, weighted, run))!.balancedAccuracy, 1);
});

Deno.test("texts without spaces between words are learned word by word", async () => {
  const random = new Random(4);
  const endings = ["故事", "演员", "电影", "这里"];
  const texts = Array.from(
    { length: 240 },
    (_, i) =>
      `${i % 2 ? "好极了真棒" : "太差了难看"}${endings[random.integer(4)]}` +
      `${"一二三四五六七八九十"[random.integer(10)]}${endings[random.integer(4)]}`,
  );
  const data = { name: "chinese", texts, labels: texts.map((_, i) => i % 2 ? "pos" : "neg") };
  const result = (await trainClassifier(data, { ...settings, epochs: 8 }, run))!;
  assert.ok(result.accuracy > 0.95, `${result.accuracy}`);
});
