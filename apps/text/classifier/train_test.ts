import { Random } from "@unfold/core";
import { adam } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { inProcess } from "../../../distributed/testdata/in_process.ts";
import { reviews } from "./_reviews.ts";
import { Classifier } from "./classifier.ts";
import { splitTexts } from "./split.ts";
import { type ClassifierResult, type ClassifierSettings, trainClassifier } from "./train.ts";

const settings: ClassifierSettings = {
  model: "network",
  tokens: "word",
  vocabulary: 1000,
  cell: "lstm",
  hidden: 12,
  layers: 1,
  embedding: 8,
  dropout: 0.1,
  bidirectional: false,
  pools: ["mean", "max", "last"],
  embeddingDropout: 0,
  wordDropout: 0,
  longest: 20,
  keep: "all",
  batchSize: 16,
  epochs: 6,
  learningRate: 1e-2,
  clip: 5,
  classWeights: "none",
  validation: 0.15,
  test: 0.15,
  seed: 1,
};

const run = { optimizer: adam(), onEvent: () => {}, signal: new AbortController().signal };

function scoresOf({ rated }: ClassifierResult, model: string) {
  return rated.find((one) => one.model === model)!.scores;
}

for (const bidirectional of [false, true]) {
  Deno.test(`a${bidirectional ? " bidirectional" : ""} network learns what no bag of words and pairs tells`, async () => {
    const result = (await trainClassifier(reviews(1200), { ...settings, bidirectional, epochs: 10 }, run))!;
    assert.deepEqual(result.rated.map(({ model }) => model), ["network", "logistic", "naive-bayes", "majority"]);
    const { accuracy, macroF1, confusion, calibration, interval } = scoresOf(result, "network");
    assert.ok(accuracy > 0.9 && macroF1 > 0.9, `${accuracy}`);
    assert.ok(interval.low < accuracy && accuracy <= interval.high);
    for (const model of ["logistic", "naive-bayes", "majority"]) {
      assert.ok(scoresOf(result, model).accuracy < 0.75, model);
    }
    const { comparison } = result;
    assert.ok(comparison!.p < 1e-6 && comparison!.onlyFirst > comparison!.onlySecond);
    const total = confusion.flat().reduce((a, b) => a + b, 0);
    assert.equal(total, result.parts.test);
    assert.equal((confusion[0]![0]! + confusion[1]![1]!) / total, accuracy);
    assert.equal(calibration.bins.reduce((sum, { count }) => sum + count, 0), total);
    // The best epoch's weights were kept.
    const { history, bestEpoch } = result.training!;
    const losses = history.map(({ validationLoss }) => validationLoss!);
    assert.equal(losses[bestEpoch - 1], Math.min(...losses));

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

Deno.test("--model trains a baseline alone, with the same scores as beside a network", async () => {
  const data = reviews(200);
  const beside = (await trainClassifier(data, { ...settings, epochs: 1 }, run))!;
  for (const model of ["naive-bayes", "logistic"] as const) {
    const alone = (await trainClassifier(data, { ...settings, model }, run))!;
    assert.equal(alone.classifier.config.model, model);
    assert.deepEqual([alone.training, alone.comparison], [undefined, undefined]);
    assert.deepEqual(alone.rated, beside.rated.slice(1));
    const again = Classifier.fromFile(alone.classifier.toFile(), "file");
    assert.deepEqual(again.predict(data.texts), alone.classifier.predict(data.texts));
  }
});

Deno.test("identical texts go to the same part; the vocabulary comes from the training part, without words of one text", async () => {
  const data = reviews(300);
  const doubled = { ...data, texts: [...data.texts, ...data.texts], labels: [...data.labels, ...data.labels] };
  const { parts, classifier } = (await trainClassifier(doubled, { ...settings, epochs: 1 }, run))!;
  assert.deepEqual(parts, { train: 420, validation: 90, test: 90 });
  // Each text ends with a different number, and 210 different texts are in the training part, twice.
  assert.equal(classifier.config.vocabulary.filter((token) => /^\d+$/.test(token)).length, 210);
  const single = (await trainClassifier(data, { ...settings, model: "logistic" }, run))!;
  assert.equal(single.classifier.config.vocabulary.filter((token) => /^\d+$/.test(token)).length, 0);
});

Deno.test("every class is in every part, and the scores of a rare one are shown", async () => {
  const texts = Array.from({ length: 128 }, (_, i) => `${i < 8 ? "rare" : "usual"} ${i}`);
  const data = { name: "rare", texts, labels: texts.map((_, i) => i < 8 ? "rare" : "usual") };
  for (const seed of [1, 2, 3]) {
    const result = (await trainClassifier(data, { ...settings, seed, epochs: 3, validation: 0.1, test: 0.1 }, run))!;
    assert.deepEqual(result.parts, { train: 102, validation: 13, test: 13 });
    assert.deepEqual(result.learned, [6, 96]);
    const { perClass, balancedAccuracy, macroF1 } = scoresOf(result, "network");
    assert.deepEqual(perClass.map(({ texts }) => texts), [1, 12]);
    assert.ok(Math.abs(scoresOf(result, "majority").accuracy - 12 / 13) < 1e-12);
    const [rare, usual] = perClass;
    assert.ok(Math.abs(balancedAccuracy - (rare!.recall! + usual!.recall!) / 2) < 1e-12);
    assert.ok(Math.abs(macroF1 - (rare!.f1! + usual!.f1!) / 2) < 1e-12 || rare!.f1 === 0);
    assert.ok(result.tokens.test.unknown >= 13);
  }
  const weighted = { ...settings, epochs: 8, validation: 0.1, test: 0.1, classWeights: "balanced" as const };
  const balanced = (await trainClassifier(data, weighted, run))!;
  assert.equal(scoresOf(balanced, "network").balancedAccuracy, 1);
  assert.equal(scoresOf(balanced, "logistic").balancedAccuracy, 1);
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
  for (const { model, scores } of result.rated.slice(0, 3)) {
    assert.ok(scores.accuracy > 0.95, `${model} ${scores.accuracy}`);
  }
});

Deno.test("characters and bytes have baselines too, which look at runs of them", async () => {
  const texts = Array.from({ length: 200 }, (_, i) => `${"xyz".repeat(1 + i % 5)}${i % 2 ? "ab" : "ba"}${i}`);
  const data = { name: "runs", texts, labels: texts.map((_, i) => i % 2 ? "ab" : "ba") };
  for (const tokens of ["char", "byte"] as const) {
    const result = (await trainClassifier(data, { ...settings, tokens, model: "logistic" }, run))!;
    assert.equal(scoresOf(result, "logistic").accuracy, 1);
    assert.ok(scoresOf(result, "naive-bayes").accuracy > 0.9);
    const again = Classifier.fromFile(result.classifier.toFile(), "file");
    assert.deepEqual(again.predict(["zabé🐋"]), result.classifier.predict(["zabé🐋"]));
  }
});

Deno.test("ranks with another seed or other texts are refused before they train", async () => {
  const data = reviews(60);
  const swapped = { ...data, labels: data.labels.toReversed() };
  for (
    const [second, texts, message] of [
      [{ ...settings, seed: 2 }, data, /got on rank 1 seed 2 instead of 1; start every rank/],
      [settings, swapped, /got on rank 1 another labels;/],
    ] as const
  ) {
    const runs = inProcess(2).map((communicator, rank) =>
      trainClassifier(rank === 0 ? data : texts, rank === 0 ? settings : second, { optimizer: adam(), communicator })
    );
    for (const outcome of await Promise.allSettled(runs)) {
      assert.equal(outcome.status, "rejected");
      assert.match((outcome as PromiseRejectedResult).reason.message, message);
    }
  }
});

Deno.test("classes have more texts than fit on the stack as arguments", () => {
  const texts = Array.from({ length: 300_000 }, (_, i) => `text ${i}`);
  const data = { name: "many", texts, labels: texts.map((_, i) => i % 2 === 0 ? "even" : "odd") };
  const { train, validation, test } = splitTexts(data, { validation: 0.05, test: 0.05 }, new Random(1));
  assert.deepEqual([train.length, validation.length, test.length], [270_000, 15_000, 15_000]);
});
