import fc from "fast-check";
import assert from "node:assert/strict";
import { full, Random, scope, type Tensor, tensor, zeros } from "@unfold/core";
import { assertClose, checkOp, type Oracle } from "@unfold/core/testing";
import { binaryCrossEntropy, softmaxCrossEntropy } from "./classification.ts";
import {
  gaussianNegativeLogLikelihood,
  huber,
  meanAbsoluteError,
  meanSquaredError,
  quantileLoss,
} from "./regression.ts";

/** An oracle: the mean of f(prediction, target) over all elements. */
function meanOf(f: (p: number, t: number) => number): (p: Oracle, t: Oracle) => Oracle {
  return (p, t) => {
    const total = p.data.reduce((sum, value, i) => sum + f(value, t.data[i]!), 0);
    return { shape: [], data: Float64Array.of(total / p.data.length) };
  };
}

/** Draws predictions and targets on two different grids, so that no finite difference crosses a kink. */
const draw = (random: Random, input: number) => Math.round(4 * random.normal()) / 4 + 0.1 * input;

const elementwise: [name: string, loss: (p: Tensor, t: Tensor) => Tensor, f: (p: number, t: number) => number][] = [
  ["meanSquaredError", meanSquaredError, (p, t) => (p - t) ** 2],
  ["meanAbsoluteError", meanAbsoluteError, (p, t) => Math.abs(p - t)],
  ["huber", (p, t) => huber(p, t, { delta: 0.7 }), (p, t) => {
    const d = Math.abs(p - t);
    return d <= 0.7 ? d * d / 2 : 0.7 * (d - 0.35);
  }],
  ["quantileLoss", (p, t) => quantileLoss(p, t, { quantile: 0.9 }), (p, t) => Math.max(0.9 * (t - p), -0.1 * (t - p))],
  ["binaryCrossEntropy", binaryCrossEntropy, (p, t) => Math.log1p(Math.exp(p)) - p * t],
];

for (const [name, loss, f] of elementwise) {
  Deno.test(`${name}: value and gradients match a Float64 oracle, and unequal shapes are rejected`, () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(1e6), (n, seed) => {
      checkOp({
        op: (p, t) => loss(p!, t!),
        oracle: (p, t) => meanOf(f)(p!, t!),
        shapes: [[n, 2], [n, 2]],
        seed,
        draw,
      });
    }));
    assert.throws(() => loss(tensor([[1], [2]]), tensor([1, 2])), {
      name: "TypeError",
      message: /prediction and target must have equal shapes, got \[2, 1\] and \[2\]$/,
    });
  });
}

Deno.test("gaussianNegativeLogLikelihood: value and gradients match a Float64 oracle", () => {
  const oracle = (p: Oracle, t: Oracle): Oracle => {
    let total = 0;
    t.data.forEach((target, i) => {
      const [row, column] = [Math.floor(i / 2), i % 2];
      const [mean, s] = [p.data[4 * row + column]!, p.data[4 * row + 2 + column]!];
      total += (Math.log(2 * Math.PI) + s + (target - mean) ** 2 * Math.exp(-s)) / 2;
    });
    return { shape: [], data: Float64Array.of(total / t.data.length) };
  };
  fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(1e6), (n, seed) => {
    checkOp({
      op: (p, t) => gaussianNegativeLogLikelihood(p!, t!),
      oracle: (p, t) => oracle(p!, t!),
      shapes: [[n, 4], [n, 2]],
      seed,
    });
  }));
  for (const prediction of [tensor([[1, 2, 3]]), tensor(1), tensor([[1, 2], [1, 2]])]) {
    assert.throws(() => gaussianNegativeLogLikelihood(prediction, tensor([[1]])), TypeError);
  }
});

Deno.test("softmaxCrossEntropy: value and gradient match a Float64 oracle, with ignored targets and label smoothing", () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom(0, 0.1, 1),
    fc.boolean(),
    fc.nat(1e6),
    (rows, classes, labelSmoothing, ignoring, seed) => {
      const random = new Random(seed);
      const targets = Int32Array.from(
        { length: 2 * rows },
        (_, i) => ignoring && i > 0 && random.uniform() < 0.5 ? -100 : random.integer(classes),
      );
      const oracle = ({ data }: Oracle): Oracle => {
        let [total, counted] = [0, 0];
        targets.forEach((target, row) => {
          if (target < 0) return;
          const logits = data.subarray(row * classes, (row + 1) * classes);
          const normalizer = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
          logits.forEach((value, j) => {
            const wanted = labelSmoothing / classes + (j === target ? 1 - labelSmoothing : 0);
            total -= wanted * (value - normalizer);
          });
          counted++;
        });
        return { shape: [], data: Float64Array.of(total / counted) };
      };
      checkOp({
        op: (logits) => {
          const classesOf = tensor(targets, { dtype: "i32", shape: [2, rows] });
          return softmaxCrossEntropy(logits!, classesOf, { labelSmoothing, ignoreIndex: -100 });
        },
        oracle: (logits) => oracle(logits!),
        shapes: [[2, rows, classes]],
        seed,
      });
    },
  );
  fc.assert(property);
});

Deno.test("losses from logits neither overflow nor lose precision at ±10,000", () => {
  using _ = scope();
  const [large, small] = [1e4, -1e4];
  const targets = tensor([0, 1], { dtype: "i32" });
  const logits = tensor([[large, small], [large, small]], { requiresGrad: true });
  const loss = softmaxCrossEntropy(logits, targets);
  assert.equal(loss.item(), 1e4);
  loss.backward();
  assert.deepEqual(logits.grad!.toArray(), [[0, 0], [0.5, -0.5]]);
  const p = tensor([large, small, large, small], { requiresGrad: true });
  const binary = binaryCrossEntropy(p, tensor([1, 0, 0, 1]));
  assertClose([binary.item()], [5e3], { tolerance: 1e-6 });
  binary.backward();
  assert.deepEqual(p.grad!.toArray(), [0, 0, 0.25, -0.25]);
});

Deno.test("losses reject invalid targets and options", () => {
  const [logits, targets] = [tensor([[1, 2]]), tensor([2], { dtype: "i32" })];
  assert.throws(() => softmaxCrossEntropy(logits, targets), {
    name: "RangeError",
    message: "Cannot compute the cross-entropy: targets must be classes from 0 to 1, got 2 at position 0",
  });
  assert.throws(() => softmaxCrossEntropy(logits, tensor([[0]], { dtype: "i32" })), /got i32 \[1, 1\] for \[1, 2\]$/);
  assert.throws(() => softmaxCrossEntropy(logits, tensor([0]) as unknown as Tensor<"i32">), /got f32 \[1\]/);
  assert.throws(
    () => softmaxCrossEntropy(logits, targets, { labelSmoothing: 2 }),
    /labelSmoothing must be from 0 to 1, got 2/,
  );
  assert.throws(() => huber(logits, logits, { delta: 0 }), /delta must be above 0, got 0/);
  assert.throws(() => quantileLoss(logits, logits, { quantile: 1 }), /quantile must be above 0 and below 1, got 1/);
});

Deno.test("binaryCrossEntropy: small losses keep their precision, and the slope at 0 is right", () => {
  using _ = scope();
  for (const p of [5, 10, 15, 20, 30]) {
    for (const sign of [1, -1]) {
      const loss = binaryCrossEntropy(tensor([sign * p]), tensor([sign === 1 ? 1 : 0])).item();
      assertClose([loss], [Math.log1p(Math.exp(-p))], { tolerance: 1e-6, floor: 0, name: String(sign * p) });
    }
  }
  const zero = tensor([0], { requiresGrad: true });
  binaryCrossEntropy(zero, tensor([1])).backward();
  assert.equal(zero.grad!.item(), -0.5);
});

Deno.test("meanSquaredError: large errors do not overflow", () => {
  using _ = scope();
  assertClose([meanSquaredError(full([4], 1e15), zeros([4])).item()], [1e30], { tolerance: 1e-6 });
});
