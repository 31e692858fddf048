import { decodeSafetensors, encodeSafetensors, Parameter, Random } from "@unfold/core";
import {
  adam,
  clipByGlobalNorm,
  ema,
  lookahead,
  Optimizer,
  type OptimizerPlugin,
  type OptimizerState,
  partition,
  sgd,
  skipNonFinite,
} from "@unfold/optimizers";
import assert from "node:assert/strict";

/** Two groups with all kinds of state, and gradients that depend only on the number of the pass. */
function setUp(order: readonly string[] = ["0.weight", "0.bias", "1.weight"]) {
  const shapes: Record<string, number[]> = { "0.weight": [3, 2], "0.bias": [2], "1.weight": [4] };
  const parameters = Object.fromEntries(order.map((name) => [name, new Parameter(shapes[name]!)]));
  const groups = partition(parameters, (name) => name.endsWith("bias") ? "biases" : "weights");
  const optimizer = new Optimizer(groups, [
    skipNonFinite(),
    clipByGlobalNorm(1),
    { weights: lookahead(adam({ amsgrad: true })), biases: adam() },
    ema({ decay: 0.9 }),
  ], { learningRate: (step) => 0.1 / step, accumulate: 2 });
  return {
    parameters,
    optimizer,
    passes(from: number, to: number) {
      for (let n = from; n <= to; n++) {
        for (const name of Object.keys(shapes)) {
          const random = new Random(1000 * n + name.length + Number(name[0]));
          const { data } = parameters[name]!.grad;
          data.forEach((value, i) => data[i] = value + (n === 3 && i === 0 ? NaN : random.normal()));
        }
        optimizer.step();
      }
      return Object.keys(shapes).map((name) => [...parameters[name]!.data]);
    },
  };
}

Deno.test("resuming from a state saved at any point, even with parameters in another order, is exact to the bit", () => {
  const whole = setUp();
  whole.optimizer.learningRateScale = 0.5;
  const expected = whole.passes(1, 14);
  for (const middle of [2, 7, 10]) {
    const first = setUp();
    first.optimizer.learningRateScale = 0.5;
    const values = first.passes(1, middle);
    const file = decodeSafetensors(encodeSafetensors(first.optimizer.state()));
    const second = setUp(["1.weight", "0.bias", "0.weight"]);
    ["0.weight", "0.bias", "1.weight"].forEach((name, i) => second.parameters[name]!.data.set(values[i]!));
    second.optimizer.load(file.tensors);
    assert.deepEqual(second.passes(middle + 1, 14), expected, `${middle}`);
    assert.deepEqual([second.optimizer.steps, second.optimizer.skippedSteps], [6, 1]);
    assert.equal(second.optimizer.learningRate, whole.optimizer.learningRate);
  }
});

Deno.test("the state has one entry per parameter and slot, of the parameter's shape", () => {
  const { optimizer, passes } = setUp();
  passes(1, 2);
  assert.deepEqual([...optimizer.state()].map(([name, { shape }]) => [name, ...shape]), [
    ["steps"],
    ["skippedSteps"],
    ["skippedInARow"],
    ["accumulated"],
    ["learningRateScale"],
    ...["slow", "adam.m", "adam.v", "adam.largestV"].flatMap((slot) => [
      [`lookahead.${slot}/0.weight`, 3, 2],
      [`lookahead.${slot}/1.weight`, 4],
    ]),
    ["adam.m/0.bias", 2],
    ["adam.v/0.bias", 2],
    ["ema.average/0.weight", 3, 2],
    ["ema.average/1.weight", 4],
    ["ema.average/0.bias", 2],
  ]);
  passes(3, 3);
  assert.deepEqual(optimizer.state().get("gradients/1.weight")?.shape, [4]);
});

Deno.test("a state that does not fit is refused with all its problems, and nothing changes", () => {
  const { optimizer, passes } = setUp();
  const before = passes(1, 2);
  const entry = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  const state = new Map(optimizer.state());
  state.delete("skippedSteps");
  state.set("steps", { shape: [], data: Float64Array.of(-1) });
  state.delete("adam.m/0.bias");
  state.set("lookahead.slow/0.weight", entry(2, 3));
  state.set("ema.average/0.bias", { shape: [2], data: Float64Array.of(1, 2) });
  state.delete("ema.average/1.weight");
  state.set("sgd.velocity/0.bias", entry(2));
  state.set("adam.v/2.bias", entry(2));
  assert.throws(() => optimizer.load(state), {
    name: "TypeError",
    message: "Cannot load the optimizer: steps must be a number of 0 or more, got -1; " +
      "skippedSteps is missing; " +
      "lookahead.slow/0.weight must be 32-bit floats of shape [3, 2], got a Float32Array of length 6 and shape [2, 3]; " +
      "ema.average/1.weight is missing; " +
      "ema.average/0.bias must be 32-bit floats of shape [2], got a Float64Array of length 2 and shape [2]; " +
      "sgd.velocity/0.bias belongs to no plugin and parameter; " +
      "adam.v/2.bias belongs to no plugin and parameter",
  });
  assert.deepEqual(passes(3, 2), before);
  assert.equal(optimizer.steps, 1);
});

Deno.test("a state without a slot that a plugin needs is refused at the next step", () => {
  const { optimizer, passes } = setUp();
  passes(1, 4);
  const state = new Map([...optimizer.state()].filter(([name]) => !name.startsWith("adam.m/")));
  const other = setUp();
  other.optimizer.load(state);
  assert.throws(() => other.passes(5, 6), {
    message: "Cannot step: the loaded state must have adam.m, but does not",
  });
});

Deno.test("loading a state without steps starts again", () => {
  const make = () => new Optimizer({ weight: new Parameter([1]) }, [sgd({ momentum: 0.5 })], { learningRate: 1 });
  const optimizer = make();
  optimizer.load(make().state());
  optimizer.step();
  assert.equal(optimizer.steps, 1);
});

Deno.test("loading drops accumulated gradients, and refuses a state with too many backward passes", () => {
  const weight = new Parameter([1]);
  const optimizer = new Optimizer({ weight }, [sgd()], { learningRate: 1, accumulate: 2 });
  const start = optimizer.state();
  const pass = (gradient: number) => {
    weight.grad.data[0]! += gradient;
    optimizer.step();
  };
  pass(100);
  const half = optimizer.state();
  optimizer.load(start);
  pass(1);
  pass(1);
  assert.equal(weight.item(), -1);
  const other = new Optimizer({ weight: new Parameter([1]) }, [sgd()], { learningRate: 1 });
  assert.throws(() => other.load(half), { message: "Cannot load the optimizer: accumulated must be below 1, got 1" });
});

Deno.test("invalid counts in a state are refused", () => {
  const optimizer = new Optimizer({ weight: new Parameter([1]) }, [sgd()], { learningRate: 1 });
  for (const [name, value] of [["steps", 0.5], ["skippedSteps", Infinity], ["learningRateScale", NaN]] as const) {
    const state = new Map(optimizer.state()).set(name, { shape: [], data: Float64Array.of(value) });
    assert.throws(() => optimizer.load(state), {
      message: `Cannot load the optimizer: ${name} must be a number of 0 or more, got ${value}`,
    });
  }
  optimizer.load(new Map(optimizer.state()).set("learningRateScale", { shape: [], data: Float64Array.of(0.5) }));
  assert.equal(optimizer.learningRate, 0.5);
});

Deno.test("a state without a slot that the optimizer has is refused at once", () => {
  const make = (...plugins: OptimizerPlugin[]) => {
    const optimizer = new Optimizer({ weight: new Parameter([2]) }, plugins, { learningRate: 1 });
    optimizer.step();
    return optimizer;
  };
  assert.throws(() => make(sgd(), ema()).load(make(sgd()).state()), {
    message: "Cannot load the optimizer: ema.average/weight is missing",
  });
});

Deno.test("an optimizer without its parameters refuses to save, load and swap", () => {
  const weight = new Parameter([1]);
  const first = new Optimizer({ weight }, [sgd(), ema()], { learningRate: 1 });
  first.step();
  const state = first.state();
  new Optimizer({ weight, other: new Parameter([1]) }, [sgd()], { learningRate: 1, takeOver: true });
  for (const f of [() => first.load(state), () => first.state(), () => first.swap("ema", "average")]) {
    assert.throws(f, { name: "ReferenceError", message: /a later optimizer took over its parameters/ });
  }
});

Deno.test("the number of steps dropped in a row is part of the state", () => {
  let state: OptimizerState | undefined;
  const dropOne = () => {
    const weight = new Parameter([1]);
    const optimizer = new Optimizer({ weight }, [skipNonFinite({ most: 2 }), sgd()], { learningRate: 1 });
    if (state !== undefined) optimizer.load(state);
    weight.grad.data.fill(NaN);
    optimizer.step();
    state = optimizer.state();
  };
  dropOne();
  dropOne();
  assert.throws(dropOne, /at least once in 3 steps/);
});
