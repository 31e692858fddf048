import { Parameter, Random } from "@unfold/core";
import { assertClose } from "@unfold/core/testing";
import {
  adadelta,
  adagrad,
  adam,
  adamW,
  addDecayedWeights,
  clipByGlobalNorm,
  clipByValue,
  ema,
  lion,
  lookahead,
  nadam,
  Optimizer,
  type OptimizerPlugin,
  rmsprop,
  sgd,
  skipNonFinite,
} from "@unfold/optimizers";
import fc from "fast-check";
import assert from "node:assert/strict";
import { plainRules } from "./_plain_rules_test.ts";

const betas = [0.7, 0.8] as const;
const pairs: Record<string, [kernel: () => OptimizerPlugin, plain: () => OptimizerPlugin]> = {
  sgd: [() => sgd(), () => plainRules.sgd()],
  "sgd with momentum": [
    () => sgd({ momentum: 0.8, dampening: 0.3 }),
    () => plainRules.sgd({ momentum: 0.8, dampening: 0.3 }),
  ],
  "sgd with Nesterov's momentum": [
    () => sgd({ momentum: 0.8, nesterov: true }),
    () => plainRules.sgd({ momentum: 0.8, nesterov: true }),
  ],
  adam: [() => adam({ betas }), () => plainRules.adam({ betas })],
  "adam with amsgrad": [() => adam({ betas, amsgrad: true }), () => plainRules.adam({ betas, amsgrad: true })],
  adamW: [() => adamW({ weightDecay: 0.3 }), () => plainRules.adam({ weightDecay: 0.3 })],
  rmsprop: [() => rmsprop(), () => plainRules.rmsprop()],
  "rmsprop with momentum": [() => rmsprop({ momentum: 0.8 }), () => plainRules.rmsprop({ momentum: 0.8 })],
  "rmsprop, centred": [
    () => rmsprop({ alpha: 0.8, eps: 0.1, centered: true }),
    () => plainRules.rmsprop({ alpha: 0.8, eps: 0.1, centered: true }),
  ],
  "rmsprop, centred, with momentum": [
    () => rmsprop({ alpha: 0.8, eps: 0.1, centered: true, momentum: 0.5 }),
    () => plainRules.rmsprop({ alpha: 0.8, eps: 0.1, centered: true, momentum: 0.5 }),
  ],
  adagrad: [() => adagrad({ lrDecay: 0.1 }), () => plainRules.adagrad({ lrDecay: 0.1 })],
  adadelta: [() => adadelta({ rho: 0.7 }), () => plainRules.adadelta({ rho: 0.7 })],
  nadam: [() => nadam({ betas }), () => plainRules.nadam({ betas })],
  lion: [() => lion({ betas, weightDecay: 0.1 }), () => plainRules.lion({ betas, weightDecay: 0.1 })],
};

/** The parameters after some steps with gradients of very different sizes. */
function run(plugin: OptimizerPlugin, size: number, seed: number): Float32Array {
  const random = new Random(seed);
  const weight = new Parameter([size], (data) => data.forEach((_, i) => data[i] = random.normal()));
  const optimizer = new Optimizer({ weight }, [plugin], { learningRate: 0.02 });
  for (let step = 0; step < 6; step++) {
    weight.grad.data.forEach((_, i, all) => all[i] = random.normal() * 10 ** random.uniform(-3, 2));
    optimizer.step();
  }
  return weight.data.slice();
}

for (const [name, [kernel, plain]] of Object.entries(pairs)) {
  Deno.test(`${name}: the kernel equals the plain loop for any number of parameters`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(1e6), (size, seed) => {
        assertClose(run(kernel(), size, seed), run(plain(), size, seed), { tolerance: 1e-5 });
      }),
    );
  });

  Deno.test(`${name}: NaN gradients give NaN parameters`, () => {
    const weight = new Parameter([5]);
    const optimizer = new Optimizer({ weight }, [kernel()], { learningRate: 0.1 });
    weight.grad.data.fill(NaN);
    optimizer.step();
    assert.ok(weight.data.every(Number.isNaN));
  });
}

Deno.test("decaying state has no denormals, which would cost a hundred cycles each", () => {
  const tiny = (value: number) => value !== 0 && Math.abs(value) < 2 ** -126;
  for (const [name, [kernel]] of Object.entries(pairs)) {
    const weight = new Parameter([7], (data) => data.fill(1));
    const optimizer = new Optimizer({ weight }, [kernel()], { learningRate: 1e-6 });
    for (let step = 0; step < 1500; step++) {
      if (step === 0) weight.grad.data.set([1, -1, 1e-10, 1e-19, -1e-25, 1e-37, 1e-41]);
      optimizer.step();
      if (step % 100 > 0) continue;
      for (const [slot, { data }] of optimizer.state()) {
        if (data instanceof Float32Array) assert.ok(!data.some(tiny), `${name}: ${slot} at step ${step}: ${data}`);
      }
    }
  }
});

Deno.test("parameters with zero gradients do not move", () => {
  for (const make of [adam, adagrad, adadelta, nadam, rmsprop, sgd, () => lion({ weightDecay: 0 })]) {
    const weight = new Parameter([5], (data) => data.fill(3));
    new Optimizer({ weight }, [make()], { learningRate: 0.1 }).step();
    assert.deepEqual([...weight.data], [3, 3, 3, 3, 3], make().name);
  }
});

Deno.test("every option is checked at construction, and zero counts as a value", () => {
  const refuses: [make: () => unknown, message: string][] = [
    [() => adam({ betas: [1, 0.9] }), "Cannot make adam: betas[0] must be a number of at least 0 and below 1, got 1"],
    [
      () => adam({ betas: [0.9, NaN] }),
      "Cannot make adam: betas[1] must be a number of at least 0 and below 1, got NaN",
    ],
    [() => adam({ betas: [0.9] as never }), "Cannot make adam: betas must be two numbers, got [0.9]"],
    [() => adam({ eps: -1 }), "Cannot make adam: eps must be a finite number of 0 or more, got -1"],
    [() => adamW({ weightDecay: -1 }), "Cannot make adamW: weightDecay must be a finite number of 0 or more, got -1"],
    [() => adamW({ betas: [0, 2] }), "Cannot make adamW: betas[1] must be a number of at least 0 and below 1, got 2"],
    [() => rmsprop({ alpha: 1 }), "Cannot make rmsprop: alpha must be a number of at least 0 and below 1, got 1"],
    [() => rmsprop({ momentum: -0.1 }), "Cannot make rmsprop: momentum must be a finite number of 0 or more, got -0.1"],
    [() => rmsprop({ eps: Infinity }), "Cannot make rmsprop: eps must be a finite number of 0 or more, got Infinity"],
    [() => adagrad({ lrDecay: -1 }), "Cannot make adagrad: lrDecay must be a finite number of 0 or more, got -1"],
    [() => adadelta({ eps: 0 }), "Cannot make adadelta: eps must be a finite number above 0, got 0"],
    [() => adadelta({ rho: 1 }), "Cannot make adadelta: rho must be a number of at least 0 and below 1, got 1"],
    [
      () => nadam({ momentumDecay: -1 }),
      "Cannot make nadam: momentumDecay must be a finite number of 0 or more, got -1",
    ],
    [() => lion({ betas: [-1, 0] }), "Cannot make lion: betas[0] must be a number of at least 0 and below 1, got -1"],
    [
      () => sgd({ momentum: "0.9" as never }),
      "Cannot make sgd: momentum must be a finite number of 0 or more, got 0.9",
    ],
    [
      () => sgd({ nesterov: true }),
      "Cannot make sgd: nesterov needs a momentum above 0 and no dampening, got 0 and 0",
    ],
    [() => clipByGlobalNorm(0), "Cannot make clipByGlobalNorm: maxNorm must be a finite number above 0, got 0"],
    [() => clipByValue(0), "Cannot make clipByValue: most must be a finite number above 0, got 0"],
    [
      () => addDecayedWeights(NaN),
      "Cannot make addDecayedWeights: weightDecay must be a finite number of 0 or more, got NaN",
    ],
    [() => ema({ decay: 1 }), "Cannot make ema: decay must be a number of at least 0 and below 1, got 1"],
    [() => lookahead(sgd(), { every: 0 }), "Cannot make lookahead: every must be an integer of 1 or more, got 0"],
    [() => skipNonFinite({ most: 0.5 }), "Cannot make skipNonFinite: most must be an integer of 1 or more, got 0.5"],
  ];
  const flags: [rule: string, flag: string, make: (flag: never) => unknown][] = [
    ["adam", "amsgrad", (amsgrad) => adam({ amsgrad })],
    ["rmsprop", "centered", (centered) => rmsprop({ centered })],
    ["sgd", "nesterov", (nesterov) => sgd({ momentum: 0.9, nesterov })],
  ];
  for (const [rule, flag, make] of flags) {
    refuses.push([() => make("false" as never), `Cannot make ${rule}: ${flag} must be true or false, got "false"`]);
  }
  const positive = "a finite number above 0, got";
  const least = "a finite number of 0 or more, got -1";
  refuses.push(
    [() => adadelta({ eps: 1e-50 }), `Cannot make adadelta: eps must be ${positive} 1e-50`],
    [() => sgd({ dampening: -1 }), `Cannot make sgd: dampening must be ${least}`],
    [
      () => sgd({ momentum: 0.9, dampening: 0.5, nesterov: true }),
      "Cannot make sgd: nesterov needs a momentum above 0 and no dampening, got 0.9 and 0.5",
    ],
    [() => adagrad({ initialAccumulatorValue: -1 }), `Cannot make adagrad: initialAccumulatorValue must be ${least}`],
    [() => adagrad({ eps: -1 }), `Cannot make adagrad: eps must be ${least}`],
    [() => nadam({ betas: [0.9, 1] }), "Cannot make nadam: betas[1] must be a number of at least 0 and below 1, got 1"],
    [() => nadam({ eps: -1 }), `Cannot make nadam: eps must be ${least}`],
    [() => lion({ weightDecay: -1 }), `Cannot make lion: weightDecay must be ${least}`],
    [() => lookahead(sgd(), { alpha: 1.1 }), "Cannot make lookahead: alpha must be a number from 0 to 1, got 1.1"],
  );
  for (const [make, message] of refuses) assert.throws(make, { name: "RangeError", message });
  adam({ betas: [0, 0], eps: 0 });
  rmsprop({ alpha: 0, eps: 0, momentum: 0 });
  ema({ decay: 0 });
  lookahead(sgd(), { alpha: 0 });
  lookahead(sgd(), { alpha: 1 });
  addDecayedWeights(0);
});

Deno.test("one nadam in two optimizers uses the steps of each", () => {
  const run = (make: () => OptimizerPlugin) => {
    const plugin = make();
    const [a, b] = [0, 1].map(() => {
      const weight = new Parameter([3]);
      return { weight, optimizer: new Optimizer({ weight }, [plugin], { learningRate: 0.1 }) };
    }) as [{ weight: Parameter; optimizer: Optimizer }, { weight: Parameter; optimizer: Optimizer }];
    for (let step = 0; step < 4; step++) {
      for (const { weight, optimizer } of step < 2 ? [a] : [a, b]) {
        weight.grad.data.fill(1);
        optimizer.step();
      }
    }
    return [...a.weight.data, ...b.weight.data];
  };
  const [, , , first, second] = run(() => nadam());
  assert.equal(first, second);
  const alone = new Parameter([3]);
  const optimizer = new Optimizer({ alone }, [nadam()], { learningRate: 0.1 });
  for (let step = 0; step < 2; step++) {
    alone.grad.data.fill(1);
    optimizer.step();
  }
  assert.equal(first, alone.data[0]);
});
