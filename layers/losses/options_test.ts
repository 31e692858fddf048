import { full, Random, scope, type Tensor, tensor, zeros } from "@unfold/core";
import { checkOp, type Oracle } from "@unfold/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { binaryCrossEntropy, softmaxCrossEntropy, type SoftmaxCrossEntropyOptions } from "./classification.ts";
import type { LossOptions } from "./options.ts";
import {
  gaussianNegativeLogLikelihood,
  huber,
  meanAbsoluteError,
  meanSquaredError,
  quantileLoss,
} from "./regression.ts";

type ElementLoss = (p: Tensor, t: Tensor, options?: LossOptions) => Tensor;

/** Each loss of single targets, and the loss of one target in 64-bit floats. */
const losses: Record<string, [loss: ElementLoss, of: (p: number, t: number, column: number) => number]> = {
  meanSquaredError: [meanSquaredError, (p, t) => (p - t) ** 2],
  meanAbsoluteError: [meanAbsoluteError, (p, t) => Math.abs(p - t)],
  huber: [(p, t, options) => huber(p, t, { ...options, delta: 0.7 }), (p, t) => {
    const d = Math.abs(p - t);
    return d <= 0.7 ? d * d / 2 : 0.7 * (d - 0.35);
  }],
  quantileLoss: [
    (p, t, options) => quantileLoss(p, t, { ...options, quantile: 0.9 }),
    (p, t) => Math.max(0.9 * (t - p), -0.1 * (t - p)),
  ],
  binaryCrossEntropy: [binaryCrossEntropy, (p, t) => Math.log1p(Math.exp(p)) - p * t],
  "binaryCrossEntropy with a positive weight": [
    (p, t, options) => binaryCrossEntropy(p, t, { ...options, positiveWeight: 3 }),
    (p, t) => 3 * t * Math.log1p(Math.exp(-p)) + (1 - t) * Math.log1p(Math.exp(p)),
  ],
  "binaryCrossEntropy with a positive weight per column": [
    (p, t, options) => binaryCrossEntropy(p, t, { ...options, positiveWeight: [3, 0.5] }),
    (p, t, column) => [3, 0.5][column]! * t * Math.log1p(Math.exp(-p)) + (1 - t) * Math.log1p(Math.exp(p)),
  ],
};

/** Draws predictions and targets on two different grids, so that no finite difference crosses a kink. */
const draw = (random: Random, input: number) => Math.round(4 * random.normal()) / 4 + 0.1 * input;

/** Weights with some zeros. */
function drawWeights(random: Random, size: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, () => Math.max(0, random.uniform(-0.5, 2)));
}

for (const [name, [loss, of]] of Object.entries(losses)) {
  Deno.test(`${name}: weights and lengths match a Float64 oracle, per sample, per step and per target`, () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(0, 1, 2, 3),
      fc.boolean(),
      fc.nat(1e6),
      (batch, time, axes, padded, seed) => {
        const random = new Random(seed);
        const shape = [batch, time, 2];
        const given = drawWeights(random, shape.slice(0, axes).reduce((a, b) => a * b, 1));
        given[0] = 1;
        const lengths = padded
          ? Array.from({ length: batch }, (_, i) => i === 0 ? time : random.integer(time + 1))
          : [];
        const options = (): LossOptions => ({
          ...(axes > 0 && { weights: tensor(given, { shape: shape.slice(0, axes) }) }),
          ...(padded && { lengths }),
        });
        const each = Float64Array.from({ length: batch * time * 2 }, (_, i) => {
          const [row, step] = [Math.floor(i / (2 * time)), Math.floor(i / 2) % time];
          if (padded && step >= lengths[row]!) return 0;
          return axes === 0 ? 1 : given[[0, row, row * time + step, i][axes]!]!;
        });
        const count = each.reduce((a, b) => a + b, 0);
        checkOp({
          op(p, t) {
            const value = loss(p!, t!, options());
            assert.ok(Math.abs(value.count! - count) < 1e-4 * count, `${value.count} and ${count}`);
            return value;
          },
          oracle: (p, t) => {
            const total = each.reduce((sum, w, i) => w === 0 ? sum : sum + w * of(p!.data[i]!, t!.data[i]!, i % 2), 0);
            return { shape: [], data: Float64Array.of(total / count) };
          },
          shapes: [shape, shape],
          draw,
          seed,
        });
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  Deno.test(`${name}: without options, and with equal weights, it is the plain mean, and counts all targets`, () => {
    using _ = scope();
    const random = new Random(1);
    const [p, t] = [0, 1].map((input) => {
      return tensor(Float32Array.from({ length: 12 }, () => draw(random, input)), { shape: [3, 2, 2] });
    }) as [Tensor, Tensor];
    const plain = loss(p, t);
    assert.equal(plain.count, 12);
    const options = [{}, { lengths: [2, 2, 2] }, { weights: full([3], 1) }, { weights: undefined, lengths: undefined }];
    for (const one of options) {
      const value = loss(p, t, one);
      assert.ok(Math.abs(value.item() - plain.item()) < 1e-6);
      assert.equal(value.count, 12);
    }
    assert.equal(loss(p, t, { weights: full([3], 0.5) }).count, 6);
  });

  Deno.test(`${name}: what does not count may be NaN, and gets no gradient; what counts must not hide one`, () => {
    using _ = scope();
    const values = () => ({ shape: [2, 2, 2], requiresGrad: true });
    const p = tensor([1, 2, 3, 4, 5, NaN, 7, 8], values());
    const t = tensor([0, 1, 0, 1, NaN, 1, NaN, NaN], values());
    const value = loss(p, t, { weights: tensor([[1, 2], [0, 1]]), lengths: [2, 1] });
    assert.ok(Number.isFinite(value.item()));
    value.backward();
    for (const { grad } of [p, t]) {
      assert.ok(grad!.data.every(Number.isFinite), String(grad!.data));
      assert.ok(grad!.data.subarray(4).every((slope) => slope === 0));
    }
    for (const options of [undefined, { weights: full([2], 1) }]) {
      for (const [bad, good] of [[NaN, 1], [1, NaN]] as const) {
        assert.ok(Number.isNaN(loss(full([2, 2], bad), full([2, 2], good), options).item()), `${bad} ${good}`);
        const row = (value: number) => tensor([[0.5, value], [0.5, 0.5]]);
        assert.ok(Number.isNaN(loss(row(bad), row(good), options).item()), `one: ${bad} ${good}`);
      }
    }
  });

  Deno.test(`${name}: if no target counts, the loss is 0, its count 0 and its gradient 0`, () => {
    using _ = scope();
    const cases: [shape: number[], options: LossOptions][] = [
      [[2, 2], { weights: zeros([2]) }],
      [[2, 3, 2], { lengths: [0, 0] }],
      [[0, 2], {}],
    ];
    for (const [shape, options] of cases) {
      const p = zeros(shape, { requiresGrad: true });
      const value = loss(p, full(shape, NaN), options);
      assert.deepEqual([value.item(), value.count], [0, 0]);
      value.backward();
      assert.ok(p.grad!.data.every((slope) => slope === 0));
    }
  });
}

Deno.test("gaussianNegativeLogLikelihood: weights and lengths match a Float64 oracle", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), fc.nat(1e6), (batch, time, seed) => {
      const random = new Random(seed);
      const given = drawWeights(random, batch * time);
      given[0] = 1;
      const lengths = Array.from({ length: batch }, (_, i) => i === 0 ? time : random.integer(time + 1));
      const each = given.map((w, i) => i % time < lengths[Math.floor(i / time)]! ? w : 0);
      checkOp({
        op: (p, t) =>
          gaussianNegativeLogLikelihood(p!, t!, { weights: tensor(given, { shape: [batch, time] }), lengths }),
        oracle(p, t) {
          let [total, count] = [0, 0];
          t!.data.forEach((target, i) => {
            const [row, column] = [Math.floor(i / 2), i % 2];
            const [mean, s] = [p!.data[4 * row + column]!, p!.data[4 * row + 2 + column]!];
            total += each[row]! * (Math.log(2 * Math.PI) + s + (target - mean) ** 2 * Math.exp(-s)) / 2;
            count += each[row]!;
          });
          return { shape: [], data: Float64Array.of(total / count) };
        },
        shapes: [[batch, time, 4], [batch, time, 2]],
        seed,
      });
    }),
    { numRuns: 40 },
  );
  using _ = scope();
  const p = tensor([[1, 0], [NaN, NaN]], { requiresGrad: true });
  const value = gaussianNegativeLogLikelihood(p, tensor([[1], [NaN]]), { weights: tensor([1, 0]) });
  assert.ok(Math.abs(value.item() - Math.log(2 * Math.PI) / 2) < 1e-6);
  value.backward();
  assert.deepEqual(p.grad!.toArray(), [[0, 0.5], [0, 0]]);
  assert.ok(Number.isNaN(gaussianNegativeLogLikelihood(tensor([[1, 0]]), tensor([[NaN]])).item()));
  const none = gaussianNegativeLogLikelihood(p, tensor([[1], [1]]), { weights: zeros([2]) });
  assert.deepEqual([none.item(), none.count], [0, 0]);
});

/** PyTorch's cross-entropy over rows of logits, with a weight for each row. */
function crossEntropyOracle(
  { data }: Oracle,
  targets: Int32Array | Float64Array,
  rows: Float64Array,
  { labelSmoothing = 0, classWeights = [], ignoreIndex }: SoftmaxCrossEntropyOptions,
): Oracle {
  const classes = data.length / rows.length;
  let [total, count] = [0, 0];
  rows.forEach((weight, row) => {
    const target = targets[row];
    const isSoft = targets instanceof Float64Array;
    if (weight === 0 || (!isSoft && target === ignoreIndex)) return;
    const logits = data.subarray(row * classes, (row + 1) * classes);
    const normalizer = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
    logits.forEach((value, j) => {
      const share = isSoft ? targets[row * classes + j]! : Number(j === target);
      const wanted = (1 - labelSmoothing) * share + labelSmoothing / classes;
      total -= weight * (classWeights[j] ?? 1) * wanted * (value - normalizer);
    });
    count += weight * (isSoft ? 1 : classWeights[target!] ?? 1);
  });
  return { shape: [], data: Float64Array.of(total / count) };
}

Deno.test("softmaxCrossEntropy: class weights, smoothing, soft targets, weights and lengths match a Float64 oracle", () => {
  const property = fc.property(
    fc.record({
      batch: fc.integer({ min: 1, max: 3 }),
      time: fc.integer({ min: 1, max: 4 }),
      classes: fc.integer({ min: 2, max: 6 }),
      labelSmoothing: fc.constantFrom(0, 0.1, 1),
      weighted: fc.boolean(),
      padded: fc.boolean(),
      byClass: fc.boolean(),
      kind: fc.constantFrom("classes", "ignoring", "soft"),
      seed: fc.nat(1e6),
    }),
    ({ batch, time, classes, labelSmoothing, weighted, padded, byClass, kind, seed }) => {
      const random = new Random(seed);
      const lengths = Array.from({ length: batch }, (_, i) => !padded || i === 0 ? time : random.integer(time + 1));
      const given = drawWeights(random, batch * time).map((value, i) => i === 0 || !weighted ? 1 : value);
      const rows = Float64Array.from(given, (w, i) => i % time < lengths[Math.floor(i / time)]! ? w : 0);
      const isIgnored = (i: number) => kind === "ignoring" && i > 0 && random.uniform() < 0.3;
      const hard = Int32Array.from(rows, (_, i) => isIgnored(i) ? -100 : random.integer(classes));
      const options: SoftmaxCrossEntropyOptions = {
        labelSmoothing,
        ...(kind === "ignoring" && { ignoreIndex: -100 }),
        ...(byClass && { classWeights: Array.from({ length: classes }, () => random.uniform(0.1, 3)) }),
      };
      const own = () => ({
        ...options,
        ...(weighted && { weights: tensor(given, { shape: [batch, time] }) }),
        ...(padded && { lengths }),
      });
      if (kind === "soft") {
        checkOp({
          op: (logits, targets) => softmaxCrossEntropy(logits!, targets!, own()),
          oracle: (logits, targets) => crossEntropyOracle(logits!, targets!.data, rows, options),
          shapes: [[batch, time, classes], [batch, time, classes]],
          draw: (r, input) => input === 0 ? r.normal() : r.uniform(),
          seed,
        });
        return;
      }
      checkOp({
        op: (logits) => {
          const targets = tensor(hard, { dtype: "i32", shape: [batch, time] });
          const value = softmaxCrossEntropy(logits!, targets, own());
          const count = rows.reduce(
            (sum, w, i) => hard[i]! < 0 ? sum : sum + w * (options.classWeights?.[hard[i]!] ?? 1),
            0,
          );
          assert.ok(Math.abs(value.count! - count) <= 1e-5 * count);
          return value;
        },
        oracle: (logits) => crossEntropyOracle(logits!, hard, rows, options),
        shapes: [[batch, time, classes]],
        seed,
      });
    },
  );
  fc.assert(property, { numRuns: 200 });
});

Deno.test("softmaxCrossEntropy: values that PyTorch documents, by hand", () => {
  using _ = scope();
  // Logits 0 and ln 3: probabilities 1/4 and 3/4.
  const logits = tensor([[0, Math.log(3)], [0, Math.log(3)]]);
  const targets = tensor([0, 1], { dtype: "i32" });
  const near = (value: Tensor, expected: number) =>
    assert.ok(Math.abs(value.item() - expected) < 1e-6, `${value.item()}`);
  const [rare, common] = [Math.log(4), Math.log(4 / 3)];
  near(softmaxCrossEntropy(logits, targets), (rare + common) / 2);
  near(softmaxCrossEntropy(logits, targets, { classWeights: [3, 1] }), (3 * rare + common) / 4);
  // Smoothed with class weights: Σ_c v_c·q_c·(−ln p_c), divided by the weights of the targets alone.
  const smoothed = 0.9 * (3 * rare + common) + 2 * 0.05 * (3 * rare + common);
  near(softmaxCrossEntropy(logits, targets, { classWeights: [3, 1], labelSmoothing: 0.1 }), smoothed / 4);
  const soft = tensor([[0.5, 0.5], [0, 1]]);
  near(softmaxCrossEntropy(logits, soft), (0.5 * rare + 0.5 * common + common) / 2);
  // With distributions, class weights do not divide.
  near(softmaxCrossEntropy(logits, soft, { classWeights: [3, 1] }), (1.5 * rare + 0.5 * common + common) / 2);
});

Deno.test("softmaxCrossEntropy: if every target is ignored, padded or of weight 0, the loss, its count and gradient are 0", () => {
  using _ = scope();
  const all: SoftmaxCrossEntropyOptions[] = [
    { ignoreIndex: 0 },
    { ignoreIndex: 0, labelSmoothing: 0.1 },
    { ignoreIndex: 0, classWeights: [1, 2] },
    { weights: zeros([1, 2]) },
    { lengths: [0] },
    { classWeights: [0, 1] },
  ];
  for (const options of all) {
    const logits = tensor([[[1, 2], [3, 4]]], { requiresGrad: true });
    const value = softmaxCrossEntropy(logits, tensor([[0, 0]], { dtype: "i32" }), options);
    assert.deepEqual([value.item(), value.count], [0, 0], JSON.stringify(options));
    value.backward();
    assert.deepEqual(logits.grad!.toArray(), [[[0, 0], [0, 0]]]);
  }
  const one = softmaxCrossEntropy(zeros([2, 2]), tensor([0, 1], { dtype: "i32" }), { ignoreIndex: 0 });
  assert.equal(one.count, 1);
  // Padding may hold anything that is no class, and NaN.
  const padded = softmaxCrossEntropy(tensor([[[1, 1], [NaN, NaN]]]), tensor([[0, 99]], { dtype: "i32" }), {
    lengths: [1],
  });
  assert.ok(Math.abs(padded.item() - Math.log(2)) < 1e-6);
  assert.ok(Number.isNaN(softmaxCrossEntropy(zeros([1, 2]), tensor([[NaN, 1]])).item()));
});

Deno.test("losses refuse weights, lengths and class weights that do not fit", () => {
  const [p, t] = [zeros([2, 3]), zeros([2, 3])];
  const refuses = (options: LossOptions, name: string, message: RegExp) => {
    assert.throws(() => meanSquaredError(p, t, options), { name, message });
  };
  refuses({ weights: zeros([3]) }, "TypeError", /weights must have shape \[2\] or \[2, 3\], got \[3\]$/);
  refuses({ weights: tensor(1) }, "TypeError", /must have shape \[2\] or \[2, 3\], got \[\]$/);
  refuses({ weights: tensor([1, -1]) }, "RangeError", /weights must be finite and at least 0, got -1 at position 1$/);
  refuses({ weights: tensor([NaN, 1]) }, "RangeError", /got NaN at position 0$/);
  refuses(
    { weights: tensor([1, 1], { dtype: "i32" }) as unknown as Tensor },
    "TypeError",
    /must hold floats \(f32\), got i32/,
  );
  refuses({ lengths: [4, 1] }, "RangeError", /lengths must be integers from 0 to the 3 time steps, got 4$/);
  refuses({ lengths: [1] }, "TypeError", /lengths must be one for each of 2 sequences, got 1$/);
  assert.throws(() => meanSquaredError(zeros([2]), zeros([2]), { lengths: [1, 1] }), {
    name: "TypeError",
    message: "Cannot compute the mean squared error: targets must have shape [batch, time, …] for lengths, got [2]",
  });
  const classes = tensor([0, 1], { dtype: "i32" });
  assert.throws(() => softmaxCrossEntropy(p, classes, { classWeights: [1, 2] }), {
    name: "TypeError",
    message: "Cannot compute the cross-entropy: classWeights must be one for each of 3 classes, got 2",
  });
  assert.throws(() => softmaxCrossEntropy(p, classes, { classWeights: [1, 2, NaN] }), {
    name: "RangeError",
    message: "Cannot compute the cross-entropy: classWeights must be finite and at least 0, got NaN",
  });
  assert.throws(
    () => softmaxCrossEntropy(p, t, { ignoreIndex: 0 }),
    /targets must be classes for ignoreIndex, got dist/,
  );
  assert.throws(() => binaryCrossEntropy(p, t, { positiveWeight: [1, 2] }), /positiveWeight must be one for each of 3/);
  assert.throws(() => binaryCrossEntropy(p, t, { positiveWeight: -1 }), /positiveWeight must be finite and at least 0/);
});
