import assert from "node:assert/strict";
import golden from "../testdata/scikit_learn.json" with { type: "json" };
import { majorityPredictions, termsOf, trainLogistic, trainNaiveBayes } from "./baselines.ts";
import { Classifier } from "./classifier.ts";
import { fitLogistic } from "./logistic.ts";
import { fitNaiveBayes, type Linear } from "./naive_bayes.ts";
import { findTerms, inverseFrequencies, type SparseRows, textFrequencies, tfIdf } from "./terms.ts";

/** The probabilities of a linear function. */
function probabilitiesOf({ weight, bias }: Linear, { starts, columns, values }: SparseRows): number[][] {
  const classes = bias.length;
  return Array.from({ length: starts.length - 1 }, (_, row) => {
    const logits = Array.from(bias, (b, k) => {
      let sum = b;
      for (let at = starts[row]!; at < starts[row + 1]!; at++) sum += values[at]! * weight[columns[at]! * classes + k]!;
      return sum;
    });
    const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
    return powers.map((power) => power / powers.reduce((a, b) => a + b));
  });
}

function assertNear(
  found: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
  tolerance: number,
) {
  found.forEach((row, i) =>
    row.forEach((value, k) => {
      const difference = Math.abs(value - expected[i]![k]!);
      assert.ok(difference <= tolerance, `row ${i}, class ${k}: ${value} is not ${expected[i]![k]}`);
    })
  );
}

for (const { name, classes, texts, targets, unseen, fewest, terms: count, tfIdf: sums, ...fits } of golden.cases) {
  const words = [...new Set(texts.join(" ").split(" "))].sort();
  const unknown = words.length;
  const encode = (text: string) =>
    Int32Array.from(text.split(" "), (word) => words.includes(word) ? words.indexOf(word) : unknown);
  const rows = texts.map(encode);
  const terms = findTerms(rows, { tokens: words.length + 1, unknown, longest: 2, fewest, most: Infinity });
  const [counts, other] = [terms.count(rows), terms.count(unseen.map(encode))];
  const idf = inverseFrequencies(textFrequencies(counts));

  Deno.test(`${name}: terms and TF-IDF are scikit-learn's`, () => {
    // Ours has the unknown word too, which is no term.
    assert.equal(terms.size - 1, count);
    const { starts, values } = tfIdf(other, idf);
    const found = sums.map((_, i) => [values.subarray(starts[i], starts[i + 1]).reduce((a, b) => a + b, 0)]);
    assertNear(found, sums, 1e-11);
  });

  for (const { smoothing, balanced, probabilities } of fits.naiveBayes) {
    Deno.test(`${name}: naive Bayes with α = ${smoothing}${balanced ? ", balanced" : ""} is scikit-learn's`, () => {
      const fitted = fitNaiveBayes(counts, targets, { classes, smoothing, balanced });
      assertNear(probabilitiesOf(fitted, other), probabilities, 1e-10);
    });
  }

  for (const { strength, balanced, probabilities } of fits.logistic) {
    Deno.test(`${name}: logistic regression with C = ${strength}${balanced ? ", balanced" : ""} is scikit-learn's`, () => {
      const shares = Array.from({ length: classes }, (_, k) => targets.filter((target) => target === k).length);
      const classWeights = balanced ? shares.map((share) => targets.length / (classes * share)) : undefined;
      const fit = (more: object) =>
        fitLogistic(tfIdf(counts, idf), targets, { classes, strength, classWeights, ...more });
      assertNear(probabilitiesOf(fit({ tolerance: 1e-9 }), tfIdf(other, idf)), probabilities, 1e-6);
      // The usual tolerance, and another start, end at the same place.
      const start = fitNaiveBayes(counts, targets, { classes });
      for (const more of [{}, { start }]) {
        assertNear(probabilitiesOf(fit(more), tfIdf(other, idf)), probabilities, 2e-3);
      }
    });
  }
}

const options = {
  tokens: "word",
  vocabulary: ["good", "bad", "film", "not", "<unk>"],
  classes: ["neg", "pos"],
  balanced: false,
} as const;
const encoded = ["good film", "bad film", "not good film", "not bad film"]
  .map((text) => Int32Array.from(text.split(" "), (word) => options.vocabulary.indexOf(word as "good")));
const [train, validation] = [
  { texts: [...encoded, ...encoded, encoded[0]!], targets: [1, 0, 0, 1, 1, 0, 0, 1, 1] },
  { texts: encoded, targets: [1, 0, 0, 1] },
];

Deno.test("baselines tell what pairs of words tell, and are the same after saving", () => {
  const bayes = trainNaiveBayes(train, options);
  const { classifier: logistic, strength } = trainLogistic({ train, validation }, options);
  assert.ok([1, 10, 100].includes(strength));
  assert.deepEqual(logistic.predictTokens(encoded).map(({ label }) => label), ["pos", "neg", "neg", "pos"]);
  for (const classifier of [bayes, logistic]) {
    const again = Classifier.fromFile(classifier.toFile(), "file");
    assert.deepEqual(again.predictTokens(encoded), classifier.predictTokens(encoded));
    for (const { probabilities } of classifier.predict(["good film", "what", "not bad at all"])) {
      assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 1e-12);
    }
  }
  assert.equal(bayes.name, "naive Bayes, words and word pairs");
});

Deno.test("an unknown word says nothing: it gets the shares of the classes", () => {
  const [fitted] = trainNaiveBayes(train, options).predict(["what"]);
  assert.ok(Math.abs(fitted!.probabilities[1]! - 5 / 9) < 1e-6);
  const [balanced] = trainNaiveBayes(train, { ...options, balanced: true }).predict(["what"]);
  assert.ok(Math.abs(balanced!.probabilities[1]! - 1 / 2) < 1e-6);
});

Deno.test("with many classes there are fewer terms", () => {
  const classes = Array.from({ length: 800_000 }, (_, i) => `${i}`);
  assert.equal(termsOf(train.texts, { ...options, classes }).parents.length, 0);
  assert.ok(termsOf(train.texts, options).parents.length > 0);
});

Deno.test("the majority baseline predicts the shares of the classes", () => {
  const predictions = majorityPredictions([0, 1, 1, 1], { classes: ["a", "b"], count: 2 });
  assert.deepEqual(predictions, new Array(2).fill({ index: 1, label: "b", probabilities: [0.25, 0.75] }));
});
