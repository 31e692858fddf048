import { Parameter } from "@unfold/core";
import { constant, Optimizer, sgd } from "@unfold/optimizers";
import assert from "node:assert/strict";
import { reduceOnPlateau } from "./stopping.ts";
import golden from "../testdata/plateau.json" with { type: "json" };

function makeOptimizer(): Optimizer {
  return new Optimizer({ weight: new Parameter([1]) }, [sgd()], { learningRate: constant(1) });
}

function epoch(loss: number, validationLoss?: number) {
  return { type: "epoch" as const, epoch: 1, step: 1, loss, validationLoss };
}

for (const { options, rates } of golden.plateaus) {
  Deno.test(`reduceOnPlateau ${JSON.stringify(options)}: the rates are PyTorch's`, () => {
    const optimizer = makeOptimizer();
    const { min_lr, ...rest } = options as { min_lr?: number };
    const reduce = reduceOnPlateau(optimizer, { ...rest, ...(min_lr !== undefined && { leastScale: min_lr }) });
    const seen = golden.losses.map((loss) => {
      reduce(epoch(NaN, loss));
      return optimizer.learningRate;
    });
    assert.deepEqual(seen, rates);
  });
}

Deno.test("reduceOnPlateau goes by the training loss where there is no validation, and by epochs alone", () => {
  const optimizer = makeOptimizer();
  const reduce = reduceOnPlateau(optimizer, { patience: 0, factor: 0.5 });
  for (const loss of [1, 2]) {
    reduce(epoch(loss));
    reduce({ type: "done", epoch: 1, step: 1, loss, finished: true });
    reduce({ type: "step", epoch: 1, step: 1, loss, samples: 1, targets: 1, learningRate: 1 });
  }
  assert.equal(optimizer.learningRateScale, 0.5);
});

Deno.test("reduceOnPlateau: a loss that is not finite is no improvement", () => {
  const optimizer = makeOptimizer();
  const reduce = reduceOnPlateau(optimizer, { patience: 0, factor: 0.5 });
  for (const loss of [NaN, Infinity, -1, -2]) reduce(epoch(loss));
  assert.equal(optimizer.learningRateScale, 0.25);
});

Deno.test("reduceOnPlateau never makes the rate larger, and waits for ten epochs unless it is told otherwise", () => {
  const low = makeOptimizer();
  low.learningRateScale = 0.01;
  const reduce = reduceOnPlateau(low, { patience: 0, leastScale: 0.1 });
  for (const loss of [1, 2]) reduce(epoch(loss));
  assert.equal(low.learningRateScale, 0.01);

  const optimizer = makeOptimizer();
  const usual = reduceOnPlateau(optimizer);
  const scales = Array.from({ length: 12 }, () => {
    usual(epoch(-1));
    return optimizer.learningRateScale;
  });
  assert.deepEqual(scales, [...new Array(11).fill(1), 0.1]);
  assert.throws(() => reduceOnPlateau(optimizer, { factor: 0 }), /factor must be above 0 and below 1, got 0/);
});

Deno.test("reduceOnPlateau: bad options are refused by name", () => {
  const refused = [
    [{ factor: 1 }, "factor must be above 0 and below 1, got 1"],
    [{ patience: 0.5 }, "patience must be an integer of 0 or more, got 0.5"],
    [{ threshold: -1 }, "threshold must be at least 0 and below 1, got -1"],
    [{ cooldown: -1 }, "cooldown must be an integer of 0 or more, got -1"],
    [{ leastScale: 2 }, "leastScale must be from 0 to 1, got 2"],
  ] as const;
  for (const [options, message] of refused) {
    assert.throws(() => reduceOnPlateau(makeOptimizer(), options), {
      name: "RangeError",
      message: `Cannot reduce on a plateau: ${message}`,
    });
  }
});
