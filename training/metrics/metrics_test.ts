import fc from "fast-check";
import assert from "node:assert/strict";
import {
  accuracy,
  balancedAccuracy,
  calibration,
  confusionMatrix,
  directionalAccuracy,
  logLoss,
  macroF1,
} from "./classification.ts";
import { intervalCoverage, quantileLoss } from "./intervals.ts";
import { bitsPerCharacter, perplexity } from "./language.ts";
import { mcNemar, signTest, wilsonInterval } from "./proportions.ts";
import { mape, mase, regressionMetrics, smape } from "./regression.ts";

function assertNear(found: number, expected: number, tolerance = 1e-12): void {
  assert.ok(Math.abs(found - expected) <= tolerance, `${found} is not ${expected}`);
}

const values = fc.array(fc.tuple(fc.integer({ min: -100, max: 100 }), fc.integer({ min: 1, max: 100 })), {
  minLength: 1,
  maxLength: 20,
}).map((pairs) => ({ predicted: pairs.map(([p]) => p), actual: pairs.map(([, a]) => a) }));

const classes = fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { minLength: 1, maxLength: 30 })
  .map((pairs) => ({ predicted: pairs.map(([p]) => p), actual: pairs.map(([, a]) => a) }));

Deno.test("regressionMetrics matches scikit-learn's documentation", () => {
  // r2_score, mean_squared_error and mean_absolute_error of y_true = [3, -0.5, 2, 7], y_pred = [2.5, 0.0, 2, 8]
  const { mse, mae, rmse, r2 } = regressionMetrics([2.5, 0, 2, 8], [3, -0.5, 2, 7]);
  assert.equal(mse, 0.375);
  assert.equal(mae, 0.5);
  assert.equal(rmse, Math.sqrt(0.375));
  assert.ok(Math.abs(r2 - 0.948608137) < 1e-9);
});

Deno.test("R² of constant values is NaN", () => {
  assert.ok(Number.isNaN(regressionMetrics([1, 1], [2, 2]).r2));
});

Deno.test("R² of constant values is NaN even if rounding moves their mean", () => {
  assert.equal(regressionMetrics(new Array(10).fill(0.2), new Array(10).fill(0.1)).r2, NaN);
});

Deno.test("percentage errors match scikit-learn's documentation and NumPy", () => {
  // mean_absolute_percentage_error of y_true = [3, -0.5, 2, 7], y_pred = [2.5, 0.0, 2, 8] in scikit-learn's documentation: 0.3273…
  // np.mean(2 * np.abs(a - p) / (np.abs(a) + np.abs(p))) of the same: 0.578…
  const [predicted, actual] = [[2.5, 0, 2, 8], [3, -0.5, 2, 7]];
  assertNear(mape(predicted, actual), 0.3273809523809524);
  assertNear(smape(predicted, actual), 0.5787878787878787);
});

Deno.test("mase matches sktime's documentation, and is 1 for the naive forecast of the training series", () => {
  // mean_absolute_scaled_error in sktime's documentation
  const training = [5, 0.5, 4, 6, 3, 5, 2];
  assertNear(mase([2.5, 0, 2, 8, 1.25], [3, -0.5, 2, 7, 2], { training }), 0.18333333333333335);
  for (const season of [1, 2, 3]) {
    assertNear(mase(training.slice(0, -season), training.slice(season), { training, season }), 1);
  }
});

Deno.test("quantileLoss matches scikit-learn's documentation", () => {
  // mean_pinball_loss of y_true = [1, 2, 3] in scikit-learn's documentation
  const actual = [1, 2, 3];
  assertNear(quantileLoss([0, 2, 3], actual, { quantile: 0.1 }), 0.1 / 3);
  assertNear(quantileLoss([1, 2, 4], actual, { quantile: 0.1 }), 0.3);
  assertNear(quantileLoss([0, 2, 3], actual, { quantile: 0.9 }), 0.3);
  assertNear(quantileLoss([1, 2, 4], actual, { quantile: 0.9 }), 0.1 / 3);
});

Deno.test("the confidence intervals of directionalAccuracy match Newcombe's table", () => {
  // Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3
  const table = [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]];
  for (const [right, count, low, high] of table as [number, number, number, number][]) {
    const predicted = Array.from({ length: count }, (_, i) => i < right ? 1 : -1);
    const found = directionalAccuracy(predicted, predicted.map(() => 2));
    assertNear(found.accuracy, right / count);
    assertNear(found.low, low, 5e-5);
    assertNear(found.high, high, 5e-5);
    assert.equal(found.count, count);
  }
});

Deno.test("with a horizon of h the confidence interval is that of n/h changes", () => {
  const signs = (right: number, count: number) => Array.from({ length: count }, (_, i) => i < right ? 1 : -1);
  const overlapping = directionalAccuracy(signs(70, 100), signs(100, 100), { horizon: 10 });
  const apart = directionalAccuracy(signs(7, 10), signs(10, 10));
  assert.deepEqual(overlapping, { ...apart, count: 100 });
  assert.throws(() => directionalAccuracy([1], [1], { horizon: 0 }), {
    message: "Cannot judge directions: horizon must be an integer of 1 or more, got 0",
  });
});

Deno.test("the confidence interval of directionalAccuracy depends on the confidence", () => {
  // Wilson's formula with statistics.NormalDist().inv_cdf((1 + c) / 2) of Python, 7 of 10
  const expected = [
    [0.5, 0.5953092506125109, 0.7872851371596213],
    [0.9, 0.4416997958698352, 0.873123416096802],
    [0.99, 0.32002467920110256, 0.9204336834769342],
    [0.999999, 0.14907001314409263, 0.9688262680962784],
  ] as const;
  const predicted = [1, 1, 1, 1, 1, 1, 1, -1, -1, -1];
  for (const [confidence, low, high] of expected) {
    const found = directionalAccuracy(predicted, predicted.map(() => 1), { confidence });
    assertNear(found.low, low, 1e-9);
    assertNear(found.high, high, 1e-9);
  }
});

Deno.test("an actual change of 0 does not count, and a predicted one is wrong", () => {
  const { accuracy, count } = directionalAccuracy([1, -1, 0, 0], [0, 0, 1, 0]);
  assert.deepEqual([accuracy, count], [0, 1]);
  assert.equal(directionalAccuracy([-1], [-1]).high, 1);
});

Deno.test("intervals cover the values between their ends, inclusive", () => {
  const intervals = { low: [0, 0, 0, 2], high: [1, 1, 1, 2] };
  assert.deepEqual(intervalCoverage(intervals, [0, 1, 1.5, 2]), { coverage: 0.75, width: 0.75 });
});

Deno.test("wilsonInterval takes counts that are not whole, and refuses numbers that are no counts", () => {
  const { low, high } = wilsonInterval(7, 10, { confidence: 0.9 });
  assertNear(low, 0.4416997958698352, 1e-9);
  assertNear(high, 0.873123416096802, 1e-9);
  assert.ok(wilsonInterval(3.5, 5).low < wilsonInterval(7, 10).low);
  assert.deepEqual([wilsonInterval(0, 5).low, wilsonInterval(5, 5).high], [0, 1]);
  for (
    const [successes, count, options, message] of [
      [1, 0, {}, "count must be above 0 and finite, got 0"],
      [1, Infinity, {}, "count must be above 0 and finite, got Infinity"],
      [3, 2, {}, "successes must be from 0 to 2, got 3"],
      [NaN, 2, {}, "successes must be from 0 to 2, got NaN"],
      [1, 2, { confidence: 0 }, "confidence must be above 0 and below 1, got 0"],
    ] as const
  ) {
    assert.throws(() => wilsonInterval(successes, count, options), {
      name: "RangeError",
      message: `Cannot make a confidence interval: ${message}`,
    });
  }
});

Deno.test("mcNemar's p-values are those of SciPy's exact binomial test", () => {
  // min(1, scipy.stats.binomtest(min(b, c), b + c, 0.5).pvalue), SciPy 1.17.1
  const expected = [
    [3, 0, 0.25],
    [10, 25, 0.016673847800120715],
    [12, 9, 0.6636238098144531],
    [150, 90, 0.00012987667540779012],
    [600, 520, 0.018207019279300136],
    [0, 1, 1],
    [5, 5, 1],
    [0, 0, 1],
  ] as const;
  for (const [b, c, p] of expected) {
    // Cases that both got right or wrong do not count.
    const first = [...new Array(b).fill(1), ...new Array(c).fill(0), 1, 0];
    const second = [...new Array(b).fill(0), ...new Array(c).fill(1), 1, 0];
    const found = mcNemar(first, second);
    assert.deepEqual([found.onlyFirst, found.onlySecond], [b, c]);
    assertNear(found.p / p, 1, 1e-10);
  }
  // 2·(1/2)ⁿ of a million cases is 0 in 64-bit floats, and half of them is certain.
  const million = new Array(1e6).fill(1);
  assert.equal(mcNemar(million, million.map(() => 0)).p, 0);
  assert.throws(() => mcNemar([1, 2], [1, 1]), {
    name: "RangeError",
    message: "Cannot compare classifiers: first[1] must be 0 or 1, got 2",
  });
});

Deno.test("logLoss and balancedAccuracy match scikit-learn", () => {
  // log_loss and balanced_accuracy_score, scikit-learn 1.9.1
  assertNear(logLoss([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8], [0.65, 0.35]], [0, 1, 1, 0]), 0.21616187468057912);
  assertNear(logLoss([[1, 0, 0], [1, 0, 0], [0.3, 0.3, 0.4]], [0, 2, 1]), 12.415875397814363);
  assertNear(balancedAccuracy([0, 1, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0]), 0.625);
  // A class that only occurs among the predictions has no recall.
  assert.equal(balancedAccuracy([0, 7], [0, 0]), 0.5);
  for (
    const [probabilities, actual, message] of [
      [[], [], "there must be a list for each actual class, and at least one, got 0 for 0"],
      [[[1]], [0, 0], "there must be a list for each actual class, and at least one, got 1 for 2"],
      [[[0.5, 0.5]], [2], "probabilities[0] must be from 0 to 1, got none for class 2"],
      [[[1.5, -0.5]], [0], "probabilities[0] must be from 0 to 1, got 1.5"],
    ] as const
  ) {
    assert.throws(() => logLoss(probabilities, actual), {
      name: "RangeError",
      message: `Cannot judge probabilities: ${message}`,
    });
  }
});

Deno.test("metrics of classes match scikit-learn's documentation", () => {
  // accuracy_score, confusion_matrix and f1_score in scikit-learn's documentation
  assert.equal(accuracy([0, 2, 1, 3], [0, 1, 2, 3]), 0.5);
  assert.deepEqual(confusionMatrix([0, 0, 2, 2, 0, 2], [2, 0, 2, 2, 0, 1]), {
    classes: [0, 1, 2],
    counts: [[2, 0, 0], [0, 0, 1], [1, 0, 2]],
  });
  assertNear(macroF1([0, 2, 1, 0, 0, 1], [0, 1, 2, 0, 1, 2]), 0.26666666666666666);
  assert.deepEqual(confusionMatrix(Int32Array.of(1e9), Int32Array.of(10)).classes, [10, 1e9]);
});

Deno.test("calibration computes the expected error, puts edges into the lower bin, and refuses bad input", () => {
  // |0.5 − 0.35|·2/5 + |1/3 − 0.9|·3/5, and 0.5 belongs to the lower half.
  const { error, bins } = calibration([0.2, 0.5, 0.8, 0.9, 1], [0, 1, 0, 1, 0], { bins: 2 });
  assertNear(error, 0.4 * 0.15 + 0.6 * (0.9 - 1 / 3));
  assert.deepEqual(bins.map(({ count }) => count), [2, 3]);
  assertNear(bins[1]!.confidence, 0.9);
  assert.equal(calibration([0, 1], [0, 1]).error, 0);
  assert.ok(Number.isNaN(calibration([1], [1]).bins[0]!.accuracy));
  assert.throws(() => calibration([1.5], [1]), {
    message: "Cannot judge a calibration: confidences[0] must be from 0 to 1, got 1.5",
  });
  assert.throws(() => calibration([0.5], [2]), {
    message: "Cannot judge a calibration: right[0] must be 0 or 1, got 2",
  });
  assert.throws(() => calibration([0.5], [1], { bins: 0 }), /bins must be an integer of 1 or more/);
});

Deno.test("bits per character and perplexity of equally likely characters", () => {
  // Shannon (1951): 27 letters take 4.76 bits each; log2(27) to more digits
  assertNear(bitsPerCharacter(Math.log(27)), 4.754887502163468);
  assertNear(perplexity(Math.log(27)), 27);
  assert.deepEqual([bitsPerCharacter(0), perplexity(0)], [0, 1]);
});

Deno.test("regression metrics: scaling, symmetry and bounds", () => {
  fc.assert(fc.property(values, fc.integer({ min: 1, max: 50 }), ({ predicted, actual }, factor) => {
    const scaled = (list: number[]) => list.map((value) => factor * value);
    const training = [0, ...actual];
    assertNear(mape(scaled(predicted), scaled(actual)), mape(predicted, actual), 1e-9);
    assertNear(smape(predicted, actual), smape(actual, predicted));
    assert.ok(smape(predicted, actual) <= 2);
    assertNear(
      mase(scaled(predicted), scaled(actual), { training: scaled(training) }),
      mase(predicted, actual, { training }),
      1e-9,
    );
    const { mae } = regressionMetrics(predicted, actual);
    assertNear(quantileLoss(predicted, actual), mae / 2, 1e-9);
    assertNear(
      quantileLoss(predicted, actual, { quantile: 0.2 }) + quantileLoss(predicted, actual, { quantile: 0.8 }),
      mae,
      1e-9,
    );
    const { low, accuracy, high } = directionalAccuracy(predicted, actual);
    assert.ok(0 <= low && low <= accuracy && accuracy <= high && high <= 1);
    for (const metric of [mape, smape, quantileLoss]) assert.equal(metric(actual, actual), 0);
  }));
});

Deno.test("metrics of classes agree with their definitions", () => {
  fc.assert(fc.property(classes, ({ predicted, actual }) => {
    const { classes, counts } = confusionMatrix(predicted, actual);
    assert.equal(counts.flat().reduce((a, b) => a + b), actual.length);
    assertNear(accuracy(predicted, actual), counts.reduce((sum, row, i) => sum + row[i]!, 0) / actual.length);
    const scores = classes.map((value) => {
      const truePositives = actual.filter((a, i) => a === value && predicted[i] === value).length;
      const precision = truePositives / predicted.filter((p) => p === value).length || 0;
      const recall = truePositives / actual.filter((a) => a === value).length || 0;
      return 2 * precision * recall / (precision + recall) || 0;
    });
    assertNear(macroF1(predicted, actual), scores.reduce((a, b) => a + b) / classes.length);
    assert.deepEqual([accuracy(actual, actual), macroF1(actual, actual)], [1, 1]);
  }));
});

Deno.test("every metric refuses empty lists, different lengths and values that are not finite", () => {
  const metrics = [
    regressionMetrics,
    mape,
    smape,
    (p: number[], a: number[]) => mase(p, a, { training: [1, 2] }),
    directionalAccuracy,
    quantileLoss,
    (p: number[], a: number[]) => intervalCoverage({ low: p, high: p }, a),
    accuracy,
    confusionMatrix,
    macroF1,
  ];
  for (const metric of metrics) {
    const refused = (predicted: number[], actual: number[], message: string | RegExp) =>
      assert.throws(() => metric(predicted, actual), { name: "RangeError", message });
    const lengths = "Cannot compare predictions: there must be one for each actual value, and at least one, got";
    refused([], [], `${lengths} 0 for 0`);
    refused([1], [1, 2], `${lengths} 1 for 2`);
    refused([1, NaN], [1, 2], /^Cannot compare predictions: (predicted|low)\[1\] must be a finite number, got NaN$/);
    refused([1, 2], [Infinity, 1], "Cannot compare predictions: actual[0] must be a finite number, got Infinity");
  }
});

Deno.test("metrics refuse bad options and undefined results", () => {
  const refused: [() => unknown, string][] = [
    [() => mape([1, 1], [1, 0]), "Cannot compute a percentage error: actual[1] must not be 0, got 0"],
    [
      () => mase([1], [1], { training: [1, 2], season: 0.5 }),
      "Cannot scale an error: season must be an integer of 1 or more, got 0.5",
    ],
    [
      () => mase([1], [1], { training: [1, 2], season: 2 }),
      "Cannot scale an error: training must have more than 2 values, got 2",
    ],
    [
      () => mase([1], [1], { training: [2, 2] }),
      "Cannot scale an error: training must be finite and not the same in every season, got a naive error of 0",
    ],
    [
      () => mase([1], [1], { training: [2, NaN] }),
      "Cannot scale an error: training must be finite and not the same in every season, got a naive error of NaN",
    ],
    [
      () => directionalAccuracy([1], [0]),
      "Cannot judge directions: at least one actual change must not be 0, got none",
    ],
    [
      () => directionalAccuracy([1], [1], { confidence: 1 }),
      "Cannot judge directions: confidence must be above 0 and below 1, got 1",
    ],
    [
      () => quantileLoss([1], [1], { quantile: 0 }),
      "Cannot compute the quantile loss: quantile must be above 0 and below 1, got 0",
    ],
    [
      () => intervalCoverage({ low: [0, 2], high: [1, 1] }, [1, 1]),
      "Cannot judge intervals: low[1] must not be above high[1], got 2 and 1",
    ],
    [
      () => intervalCoverage({ low: [0], high: [1, 1] }, [1]),
      "Cannot compare predictions: there must be one for each actual value, and at least one, got 2 for 1",
    ],
    [() => accuracy([0.5], [1]), "Cannot compare classes: predicted[0] must be an integer of 0 or more, got 0.5"],
    [() => macroF1([0], [-1]), "Cannot compare classes: actual[0] must be an integer of 0 or more, got -1"],
    [
      () => bitsPerCharacter(NaN),
      "Cannot convert to bits: the cross-entropy must be a finite number of 0 or more, got NaN",
    ],
    [
      () => perplexity(-1),
      "Cannot compute the perplexity: the cross-entropy must be a finite number of 0 or more, got -1",
    ],
  ];
  for (const [call, message] of refused) assert.throws(call, { name: "RangeError", message });
});

/** P(X ≤ k) of a binomial distribution with chance ½, term by term. */
function below(k: number, n: number): number {
  let [term, total] = [0.5 ** n, 0.5 ** n];
  for (let i = 1; i <= k; i++) total += term *= (n - i + 1) / i;
  return total;
}

Deno.test("signTest is twice the smaller tail of the binomial distribution", () => {
  for (const n of [1, 2, 7, 40, 300]) {
    for (let wins = 0; wins <= n; wins++) {
      const expected = Math.min(1, 2 * below(Math.min(wins, n - wins), n));
      assert.ok(Math.abs(signTest(wins, n) - expected) <= 1e-9 * expected + 1e-12, `${wins} of ${n}`);
    }
  }
  // A table of critical values (Dixon and Mood, 1946): 5 of 20 is significant at 5 %, 6 of 20 is not.
  assert.ok(signTest(5, 20) < 0.05 && signTest(6, 20) > 0.05);
  assert.equal(signTest(0, 0), 1);
  assert.ok(signTest(400_000, 1_000_000) < 1e-300);
});

Deno.test("signTest refuses counts that are none", () => {
  assert.throws(() => signTest(3, 2), {
    message: "Cannot compare methods: wins must be an integer from 0 to 2, got 3",
  });
  assert.throws(() => signTest(0, 1.5), /pairs must be an integer of 0 or more, got 1.5/);
});
