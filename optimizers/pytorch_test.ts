import { Parameter } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import { adam } from "./adam.ts";
import { Optimizer } from "./optimizer.ts";
import type { OptimizerPlugin } from "./plugin.ts";
import { sgd } from "./sgd.ts";
import golden from "./testdata/pytorch.json" with { type: "json" };

const rules: Record<string, (options: object) => OptimizerPlugin> = { sgd, adam };

for (const { rule, options, after } of golden.cases) {
  Deno.test(`${rule} ${JSON.stringify(options)} equals PyTorch after 1 and 10 steps`, () => {
    const parameters = Object.fromEntries(
      Object.entries(golden.shapes).map(([name, shape]) => [name, new Parameter(shape)]),
    );
    const optimizer = new Optimizer(parameters, [rules[rule]!(options)], { learningRate: golden.learningRate });
    const { slab } = parameters.weight!;
    slab.params.set(golden.initial);
    golden.gradients.forEach((gradients, index) => {
      slab.grads.set(gradients);
      optimizer.step();
      const expected = (after as Record<string, number[]>)[index + 1];
      if (expected !== undefined) assertClose(slab.params, expected, { tolerance: 1e-6, name: `step ${index + 1}` });
    });
  });
}
