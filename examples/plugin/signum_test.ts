import { Parameter, Random } from "@unfold/core";
import { Optimizer, type OptimizerPlugin } from "@unfold/optimizers";
import { checkPlugin } from "@unfold/optimizers/testing";
import assert from "node:assert/strict";
import { fastSignum } from "./fast_signum.ts";
import { signum, type SignumOptions } from "./signum.ts";

const makers: Record<string, (options?: SignumOptions) => OptimizerPlugin> = { signum, fastSignum };

for (const [name, make] of Object.entries(makers)) {
  Deno.test(`${name} conforms`, () => checkPlugin(() => make(), { learningRate: 0.01 }));

  Deno.test(`${name} refuses a bad option, and propagates NaN`, () => {
    assert.throws(() => make({ beta: 1 }), {
      message: "Cannot make signum: beta must be at least 0 and below 1, got 1",
    });
    const weight = new Parameter([5]);
    const optimizer = new Optimizer({ weight }, [make()], { learningRate: 0.1 });
    weight.grad.data.fill(NaN);
    optimizer.step();
    assert.ok(weight.data.every(Number.isNaN));
  });
}

Deno.test("the kernel equals the loop for any number of parameters", () => {
  for (const size of [1, 2, 3, 4, 5, 8, 31]) {
    const run = (plugin: OptimizerPlugin) => {
      const random = new Random(size);
      const weight = new Parameter([size], (data) => data.forEach((_, i) => data[i] = random.normal()));
      const optimizer = new Optimizer({ weight }, [plugin], { learningRate: 0.125 });
      for (let step = 0; step < 5; step++) {
        weight.grad.data.forEach((_, i, all) => all[i] = i % 3 === 0 ? 0 : random.normal());
        optimizer.step();
      }
      return [...weight.data];
    };
    run(fastSignum()).forEach((value, i, all) => assert.ok(Math.abs(value - run(signum())[i]!) < 1e-6, `${all}`));
  }
});
