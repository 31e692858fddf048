import { decodeSafetensors, encodeSafetensors, Random } from "@unfold/core";
import assert from "node:assert/strict";
import { Classifier, type ClassifierConfig } from "./classifier.ts";
import { compareWithBest, scoresOf } from "./scores.ts";
import { classTable, comparisonText, confusionTable, verdict } from "./tables.ts";
import { tellingTerms } from "./telling_terms.ts";
import { buildVocabulary, ClassifierTokenizer } from "./tokens.ts";

const encoder = {
  cell: "gru",
  hidden: 4,
  layers: 1,
  embedding: 3,
  dropout: 0.5,
  bidirectional: true,
  pools: ["mean", "max", "last"],
  embeddingDropout: 0.2,
  wordDropout: 0.2,
} as const;
const config: ClassifierConfig = {
  model: "network",
  tokens: "word",
  vocabulary: ["good", "film", "a", "<unk>"],
  classes: ["no", "yes"],
  limit: { longest: 3, keep: "all" },
  encoder,
};

Deno.test("words are in lower case, without white space; their places are those in the text", () => {
  const tokenizer = new ClassifierTokenizer("word", config.vocabulary);
  const text = " A  GOOD film,\n isn’t";
  assert.deepEqual([...tokenizer.encode(text)], [2, 0, 1, 3, 3]);
  assert.deepEqual(tokenizer.places(text).map(({ from, to }) => text.slice(from, to)), [
    "A",
    "GOOD",
    "film",
    ",",
    "isn’t",
  ]);
});

Deno.test("a text in characters has a start and an end; the bytes of a character share its place", () => {
  const vocabulary = buildVocabulary("char", ["ab", "ac"], 100);
  assert.deepEqual(vocabulary.toSorted(), ["<end>", "<start>", "<unk>", "a", "b", "c"]);
  const tokenizer = new ClassifierTokenizer("char", vocabulary);
  assert.deepEqual([...tokenizer.encode("bé")].map((token) => tokenizer.textOf(token)), [
    "<start>",
    "b",
    "<unk>",
    "<end>",
  ]);
  const bytes = new ClassifierTokenizer("byte", []);
  assert.equal(bytes.encode("é🐋").length, 6);
  assert.deepEqual(bytes.places("é🐋").map(({ from, to }) => [from, to]), [
    [0, 1],
    [0, 1],
    ...new Array(4).fill([1, 3]),
  ]);
});

Deno.test("a long text is read in equal pieces, whose logits are averaged, or from one end", () => {
  const classifier = new Classifier(config, new Random(1));
  const tokens = Int32Array.of(0, 1, 2, 0, 1, 2, 1);
  const pieces = classifier.piecesOf(tokens);
  assert.deepEqual(pieces.map((piece) => [...piece]), [[0, 1], [2, 0, 1], [2, 1]]);
  const [whole] = classifier.logitsOf([tokens]);
  const apart = classifier.logitsOf(pieces);
  whole!.forEach((logit, k) => assert.ok(Math.abs(logit - apart.reduce((sum, row) => sum + row[k]!, 0) / 3) < 1e-6));
  assert.deepEqual(classifier.count(["a good film", "good a good film"]), { tokens: 7, unknown: 0, cut: 0 });
  for (const [keep, expected] of [["start", [0, 1, 2]], ["end", [1, 2, 1]]] as const) {
    const cutting = new Classifier({ ...config, limit: { longest: 3, keep } }, new Random(1));
    assert.deepEqual(cutting.piecesOf(tokens).map((piece) => [...piece]), [expected]);
    assert.equal(cutting.count(["a good film", "good a good film"]).cut, 1);
  }
});

Deno.test("a classifier's file gives the same predictions; a damaged configuration is refused by name", () => {
  const bag = { parents: [0, 1, 4, 2], frequencies: { texts: 4, having: [3, 3, 1, 0, 2, 1] } };
  const classifier = new Classifier({ ...config, bag }, new Random(1));
  classifier.network.bag!.weight.data.forEach((_, i, data) => data[i] = Math.sin(i));
  const again = Classifier.fromFile(classifier.toFile(), "file");
  const texts = ["good film a", "film", "what a good good film"];
  assert.deepEqual(again.predict(texts), classifier.predict(texts));
  for (
    const [change, message] of [
      [{ model: "svm" }, /its model must be one of network, naive-bayes, logistic, got "svm"/],
      [{ tokens: "line" }, /its tokens must be one of word, char, byte, got "line"/],
      [{ vocabulary: ["good", "film", "a", "b"] }, /its vocabulary must be a list of different texts with <unk>, got/],
      [{ vocabulary: ["good", "a", "a", "<unk>"] }, /its vocabulary must be a list of different texts with <unk>, got/],
      [{ classes: ["no"] }, /its classes must be a list of at least two different texts, got/],
      [{ classes: ["no", "no"] }, /its classes must be a list of at least two different texts, got \["no","no"\]$/],
      [{ limit: { longest: 0.5, keep: "all" } }, /its limit must be a positive integer and one of/],
      [{ limit: { longest: 0, keep: "all" } }, /its limit must be a positive integer and one of all, start, end, got/],
      [{ encoder: undefined, bag: undefined }, /its encoder must be that of its model, got undefined/],
      [{ encoder: { ...encoder, pools: [] } }, /its pools must be some of mean, max, last, got/],
      [{ encoder: { ...encoder, wordDropout: 1 } }, /its wordDropout must be from 0 to below 1, got 1/],
      [{ encoder: { ...encoder, hidden: 5 } }, /encoder\.2\.recurrentWeight must have 5 rows, got 4/],
      [{ bag: { ...bag, parents: [0, 4, 4, 2] } }, /its parents must be pairs of an earlier term and a token, .* got/],
      [{ bag: { ...bag, parents: [5, 1, 4, 2] } }, /its parents must be pairs of an earlier term and a token, .* got/],
      [{ bag: { parents: [0, 1] } }, /bag\.weight must have 5 rows, got 6/],
      [
        { bag: { ...bag, frequencies: { texts: 4, having: [9] } } },
        /its frequencies must be the texts and, for each of 6/,
      ],
    ] as const
  ) {
    const damaged = new Classifier({ ...config, bag }, new Random(1));
    Object.assign(damaged, { config: { ...config, bag, ...change } });
    assert.throws(() => Classifier.fromFile(damaged.toFile(), "file"), { name: "SafetensorsError", message });
  }
});

Deno.test("terms of many tokens, which would fill the memory when they are shown, are refused", () => {
  const chain = (length: number) => ({ parents: Array.from({ length }, (_, i) => [i === 0 ? 0 : 3 + i, 1]).flat() });
  const fileOf = (length: number) => {
    const classifier = new Classifier({ ...config, bag: { parents: [] } }, new Random(1));
    const { tensors, metadata } = decodeSafetensors(classifier.toFile());
    const own = JSON.parse(metadata["unfold.text"]!);
    const weight = { shape: [4 + length, 2], data: new Float32Array(2 * (4 + length)) };
    return encodeSafetensors(
      [...tensors, ["bag.weight", weight] as const].filter(([name, { shape }]) =>
        name !== "bag.weight" || shape === weight.shape
      ),
      { metadata: { "unfold.text": JSON.stringify({ ...own, bag: chain(length) }) } },
    );
  };
  Classifier.fromFile(fileOf(15), "file");
  for (const length of [16, 100_000]) {
    assert.throws(
      () => Classifier.fromFile(fileOf(length), "file"),
      /its parents must be .*, with at most 16 tokens in a term/,
    );
  }
});

Deno.test("the terms that speak for a class are those with the largest weights, or that a network takes for it", () => {
  const bag = { parents: [0, 1] };
  const linear = new Classifier({ ...config, model: "naive-bayes", bag } as ClassifierConfig, new Random(1));
  linear.network.bag!.weight.data.set([0, 1, 0, 0, 1, 0, 9, 0, 0, 2]);
  const [no, yes] = tellingTerms(linear, 2);
  assert.deepEqual(no!.map(({ term, influence }) => [term, influence]), [["a", 0.5], ["film", 0]]);
  assert.deepEqual(yes!.map(({ term, influence }) => [term, influence]), [["good film", 1], ["good", 0.5]]);
  const network = new Classifier(config, new Random(1));
  const [against, for_] = tellingTerms(network, 3);
  const logit = (word: string) => network.logitsOf([Int32Array.of(config.vocabulary.indexOf(word))])[0]![1]!;
  const other = (word: string) => network.logitsOf([Int32Array.of(config.vocabulary.indexOf(word))])[0]![0]!;
  const order = ["good", "film", "a"].sort((a, b) => logit(b) - other(b) - logit(a) + other(a));
  assert.deepEqual(for_!.map(({ term }) => term), order);
  assert.deepEqual(against!.map(({ term }) => term), order.toReversed());
});

/** Predictions of the first class with these probabilities. */
function predictions(...first: number[]) {
  return first.map((p) => ({ index: Number(p < 0.5), label: p < 0.5 ? "b" : "a", probabilities: [p, 1 - p] }));
}

Deno.test("scores and comparisons of predictions", () => {
  const actual = [0, 0, 0, 1];
  const first = predictions(0.9, 0.8, 0.4, 0.2);
  const { accuracy, confusion, perClass, logLoss, balancedAccuracy } = scoresOf(first, actual, 3);
  assert.equal(accuracy, 0.75);
  assert.deepEqual(confusion, [[2, 1, 0], [0, 1, 0], [0, 0, 0]]);
  assert.deepEqual(perClass[1], { texts: 1, precision: 0.5, recall: 1, f1: 2 / 3 });
  // Scores that do not exist are null in files, and a dash in tables.
  assert.deepEqual(perClass[2], { texts: 0, precision: null, recall: null, f1: null });
  const never = scoresOf(predictions(0.9), [1], 2);
  assert.deepEqual(never.perClass[1], { texts: 1, precision: null, recall: 0, f1: 0 });
  const { rows } = classTable(["a", "b"], [{ name: "one", model: "network", scores: never }]);
  assert.deepEqual(rows, [["a", "0", "0.0 %", "—", "0.000"], ["b", "1", "—", "0.0 %", "0.000"]]);
  assert.ok(Math.abs(logLoss + (Math.log(0.9) + Math.log(0.8) + Math.log(0.4) + Math.log(0.8)) / 4) < 1e-12);
  assert.ok(Math.abs(balancedAccuracy - (2 / 3 + 1) / 2) < 1e-12);
  const worse = { name: "bad", model: "naive-bayes", predictions: predictions(0.1, 0.1, 0.1, 0.1) };
  const better = { name: "good", model: "logistic", predictions: predictions(0.9, 0.9, 0.1, 0.9) };
  assert.deepEqual(compareWithBest(first, [worse, better], actual), {
    baseline: "good",
    model: "logistic",
    accuracy: 0.5,
    onlyFirst: 1,
    onlySecond: 0,
    p: 1,
  });
});

Deno.test("the verdict says whether the network is worth it, and what to do if not", () => {
  const comparison = {
    baseline: "naive Bayes",
    model: "naive-bayes",
    accuracy: 0.8,
    onlyFirst: 30,
    onlySecond: 10,
    p: 0.002,
  };
  const test = "McNemar's test: 30 texts right by the network alone, 10 by the baseline alone, p = 0.002";
  assert.equal(
    verdict({ accuracy: 0.9 }, comparison),
    `The network is worth it: it is 10.0 points more accurate than the best baseline, naive Bayes (${test}).`,
  );
  assert.equal(
    verdict({ accuracy: 0.75 }, comparison),
    `The network is not worth it: it is 5.0 points less accurate than the best baseline, naive Bayes (${test}). ` +
      "--model naive-bayes trains and saves that one.",
  );
  assert.match(
    verdict({ accuracy: 0.81 }, { ...comparison, p: 0.2 }),
    /^The network is not shown to be worth it: it is 1\.0 points more accurate than .*, and that may be luck \(.*p = 0\.200\)\. --model/,
  );
  assert.match(verdict({ accuracy: 0.8 }, { ...comparison, p: 1 }), /it is just as accurate as the best baseline/);
  assert.doesNotMatch(verdict({ accuracy: 0.7 }, { ...comparison, model: "majority" }), /--model/);
  assert.match(verdict({ accuracy: 0.9 }, { ...comparison, p: 1e-9 }), /p < 0\.001\)\.$/);
  assert.match(
    comparisonText({ accuracy: 0.8 }, { ...comparison, p: 1 }),
    /^The first classifier is just as .* by the other alone/,
  );
});

Deno.test("of many classes, only the pairs that are confused most are shown", () => {
  const classes = Array.from({ length: 31 }, (_, i) => `class ${i}`);
  const actual = Array.from({ length: 124 }, (_, i) => i % 31);
  const shifted = actual.map((target, i) => {
    const index = i % 3 === 0 ? target : (target + (i % 31 === 4 ? 1 : i % 7)) % 31;
    return { index, label: classes[index]!, probabilities: classes.map((_, k) => Number(k === index)) };
  });
  const { head, rows } = confusionTable(classes, scoresOf(shifted, actual, 31));
  assert.deepEqual(head, ["actual", "predicted", "texts"]);
  const counts = rows.map((row) => Number(row[2]));
  assert.equal(counts.length, 30);
  assert.deepEqual(counts, counts.toSorted((a, b) => b - a));
  assert.deepEqual(rows[0]!.slice(0, 2), ["class 4", "class 5"]);
});
