import { Parameter } from "@unfold/core";
import { adam, clipByGlobalNorm, Optimizer, sgd, skipNonFinite } from "@unfold/optimizers";
import assert from "node:assert/strict";

Deno.test("clipping does not change small gradients", () => {
  const weight = new Parameter([2]);
  const optimizer = new Optimizer({ weight }, [clipByGlobalNorm(5.001), sgd()], { learningRate: 1 });
  weight.grad.data.set([3, 4]);
  optimizer.step();
  assert.deepEqual(weight.toArray(), [-3, -4]);
});

Deno.test("steps with non-finite gradients are dropped and counted, up to a limit", () => {
  const weight = new Parameter([3]);
  const optimizer = new Optimizer({ weight }, [skipNonFinite({ most: 2 }), adam()], { learningRate: 0.1 });
  assert.ok(optimizer.skipsNonFinite);
  const step = (value: number) => {
    weight.grad.data.set([1, value, 1]);
    optimizer.step();
  };
  step(2);
  const before = [...weight.data];
  step(NaN);
  step(Infinity);
  assert.deepEqual([...weight.data], before);
  assert.deepEqual([...weight.grad.data], [0, 0, 0]);
  assert.deepEqual([optimizer.steps, optimizer.skippedSteps], [1, 2]);
  assert.throws(() => step(-Infinity), {
    name: "RangeError",
    message: /^Cannot take step 2: gradients must be finite at least once in 3 steps, but were not/,
  });
  step(3e38);
  step(NaN);
  assert.deepEqual([optimizer.steps, optimizer.skippedSteps], [2, 3]);
});

Deno.test("a dropped step does not count for the schedule", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [skipNonFinite(), sgd()], { learningRate: (step) => step });
  assert.equal(optimizer.learningRate, 1);
  for (const gradient of [NaN, 1, NaN, 1]) {
    weight.grad.data.fill(gradient);
    optimizer.step();
  }
  assert.deepEqual([weight.item(), optimizer.learningRate], [-3, 2]);
});
